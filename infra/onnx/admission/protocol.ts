import type { TensorInfo } from '../signature.ts';
import type { FileFacts } from './check-file.ts';

/** First line of what the child reads; the bytes of the model follow. */
export type AdmissionJob = {
  /** Rows to answer; null is a missing value. Empty: two rows of zeros. */
  readonly vectors: readonly (readonly (number | null)[])[];
  /** Features that the matrix has; null where the file alone says it. */
  readonly width: number | null;
};

export type Admission = FileFacts & {
  readonly inputs: readonly TensorInfo[];
  readonly output: TensorInfo;
  readonly inputWidth: number | null;
  readonly outputWidth: number;
  /** Row-major answers for the rows of the job. */
  readonly answers: readonly number[];
  /** Things that work but that the author should know. */
  readonly warnings: readonly string[];
};

/** The child's one line. */
export type AdmissionReply =
  | { readonly admitted: true; readonly admission: Admission }
  | { readonly admitted: false; readonly reason: string };
