import type { Capture } from '../capture/capture.ts';
import type { ModelLoader } from '../model/loader.ts';
import type { BaseDeps } from '../plugins/base-app.ts';
import type { PressureLimits } from '../plugins/pressure.ts';
import type { LabelIntake } from './routes/labels.ts';
import type { Shadow } from './shadow.ts';

export type PredictDeps = BaseDeps & {
  readonly loader: ModelLoader;
  readonly pressure: PressureLimits;
  /** Known only once the server has its port, which names it. */
  readonly capture: () => Capture;
  readonly shadow: Shadow;
  /** True once the server was told to stop: it says so before it stops, so that others send their requests elsewhere. */
  readonly isStopping: () => boolean;
  /** Where labels go; null: this server takes none. */
  readonly labels: LabelIntake | null;
};
