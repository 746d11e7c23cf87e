/** The state of all processes of one `perennial up`: kept in the state folder, and told to whoever watches. */
import { identify, type ProcessIdentity } from '../../infra/state/processes.ts';
import { type ProcessName, type ProcessStatus, processNames, type UpRecord, writeUpRecord } from '../../infra/state/up-record.ts';

export type Change = Partial<Omit<ProcessStatus, 'name'>>;
export type Board = {
  change(name: ProcessName, change: Change): void;
  statuses(): readonly ProcessStatus[];
};

const unborn = (name: ProcessName): ProcessStatus => ({
  name,
  state: 'waiting',
  detail: '',
  url: null,
  restarts: 0,
  identity: null,
});

export const createBoard = (
  stateDir: string,
  names: readonly ProcessName[],
  onStatus: (status: ProcessStatus) => void,
): Board => {
  const supervisor = identify(process.pid) as ProcessIdentity;
  const statuses = new Map(processNames.filter((name) => names.includes(name)).map((name) => [name, unborn(name)]));
  const save = (): void => writeUpRecord(stateDir, { supervisor, processes: [...statuses.values()] } satisfies UpRecord);
  save();
  return {
    statuses: () => [...statuses.values()],
    change: (name, change) => {
      const before = statuses.get(name) ?? unborn(name);
      const after = { ...before, ...change };
      statuses.set(name, after);
      // In the same tick as the change, so that a kill -9 right after a spawn finds the child noted.
      save();
      const isVisible = after.state !== before.state || after.detail !== before.detail || after.url !== before.url;
      if (isVisible) onStatus(after);
    },
  };
};
