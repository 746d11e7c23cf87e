/** Shows what `perennial up` does: a table that stays in place on a terminal, plain lines elsewhere. */
import { styleText } from 'node:util';
import type { ProcessStatus } from '../../infra/state/up-record.ts';
import type { UpEvent } from './start-up.ts';

export type View = { show(event: UpEvent): void; say(line: string): void; end(): void };

const marks: Readonly<Record<ProcessStatus['state'], readonly [mark: string, style: Parameters<typeof styleText>[0]]>> = {
  waiting: ['·', 'dim'],
  starting: ['…', 'yellow'],
  ready: ['✔', 'green'],
  given: ['✔', 'green'],
  restarting: ['!', 'red'],
  stopping: ['…', 'yellow'],
  stopped: ['·', 'dim'],
};

const where: Readonly<Record<ProcessStatus['name'], string>> = {
  postgres: 'database',
  temporal: 'durable execution',
  flow: 'worker: workflows',
  cpu: 'worker: data steps',
  gpu: 'worker: training',
  control: 'control plane',
  serve: 'predictions',
};

const remark = ({ state, url, detail, restarts }: ProcessStatus): string => {
  const parts = [
    state === 'ready' ? '' : state,
    url ?? '',
    detail,
    restarts > 0 ? `restarted ${restarts} ${restarts === 1 ? 'time' : 'times'}` : '',
  ];
  return parts.filter((part) => part !== '').join('  ');
};

/** One line of the table, without colour. */
export const statusLine = (status: ProcessStatus): string =>
  `${marks[status.state][0]} ${status.name.padEnd(9)} ${where[status.name].padEnd(19)} ${remark(status)}`.trimEnd();

const painted = (status: ProcessStatus, columns: number): string => {
  const [mark, style] = marks[status.state];
  // A line that wraps would be counted as one and leave rubbish behind.
  const line = statusLine(status).slice(0, columns - 1);
  return line.replace(mark, styleText(style, mark, { validateStream: false }));
};

const createTable = (stream: NodeJS.WriteStream): View => {
  const rows = new Map<ProcessStatus['name'], ProcessStatus>();
  let drawn = 0;
  const erase = (): string => (drawn === 0 ? '' : `\u001b[${drawn}A\u001b[0J`);
  const draw = (above = ''): void => {
    // A terminal that does not know its width says 0.
    const lines = [...rows.values()].map((status) => painted(status, stream.columns || 80));
    stream.write(`${erase()}${above}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines.length;
  };
  return {
    say: (line) => draw(`${line}\n`),
    end: () => {
      drawn = 0;
    },
    show: (event) => {
      if (event.kind === 'progress') draw(`${event.line}\n`);
      if (event.kind !== 'process') return;
      rows.set(event.status.name, event.status);
      draw();
    },
  };
};

const createLines = (stream: NodeJS.WriteStream): View => ({
  say: (line) => void stream.write(`${line}\n`),
  end: () => {},
  show: (event) => {
    if (event.kind === 'progress') stream.write(`${event.line}\n`);
    if (event.kind === 'process') stream.write(`${event.status.name}: ${remark(event.status) || event.status.state}\n`);
  },
});

export const createView = (stream: NodeJS.WriteStream): View => (stream.isTTY ? createTable(stream) : createLines(stream));
