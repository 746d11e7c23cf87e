/**
 * The disposable process in which a foreign model is looked at and run for the first time. Reads a job line and the
 * model from its input, writes one line, ends. It has no environment, no files and nothing to lose.
 */
import { openSession } from '../session.ts';
import { checkFile } from './check-file.ts';
import type { Admission, AdmissionJob, AdmissionReply } from './protocol.ts';
import { refuse } from './refuse.ts';

const readInput = async (): Promise<{ job: AdmissionJob; bytes: Uint8Array }> => {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const input = Buffer.concat(chunks);
  const end = input.indexOf(10);
  return { job: JSON.parse(input.toString('utf8', 0, end)) as AdmissionJob, bytes: input.subarray(end + 1) };
};

const admit = async (job: AdmissionJob, bytes: Uint8Array): Promise<Admission> => {
  const facts = checkFile(bytes);
  const session = await openSession(bytes);
  if (job.width !== null && session.inputWidth !== null && session.inputWidth !== job.width) {
    refuse(`Cannot admit model as it must take ${job.width} features: it takes ${session.inputWidth}`);
  }
  const width = session.inputWidth ?? job.width ?? refuse('Cannot admit model as its input must state its width: it is open');
  const vectors = job.vectors.length > 0 ? job.vectors : [new Array<number>(width).fill(0), new Array<number>(width).fill(0)];
  const matrix = Float32Array.from(vectors.flat(), (value) => value ?? Number.NaN);
  const answers = await session.run(matrix, vectors.length);
  checkAnswers(answers, session.outputWidth);
  checkSame(answers, await session.run(matrix, vectors.length), session.outputWidth);
  const dropped =
    session.outputs.length === 1 ? [] : [`answers with "${session.output.name}", one of ${session.outputs.length} outputs`];
  const { inputs, output, inputWidth, outputWidth } = session;
  return { ...facts, inputs, output, inputWidth, outputWidth, answers: Array.from(answers), warnings: dropped };
};

const checkAnswers = (answers: Float32Array, width: number): void => {
  const at = answers.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  refuse(
    `Cannot admit model as its answers must be finite: of the rows it was tried with, row ${Math.floor(at / width)}, output ${at % width} is ${answers[at]}`,
  );
};

const checkSame = (first: Float32Array, second: Float32Array, width: number): void => {
  const at = first.findIndex((value, index) => value !== second[index]);
  if (at < 0) return;
  const [row, output] = [Math.floor(at / width), at % width];
  refuse(`Cannot admit model as it must answer the same twice: row ${row}, output ${output} is ${first[at]}, then ${second[at]}`);
};

const reply = (message: AdmissionReply): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

try {
  const { job, bytes } = await readInput();
  reply({ admitted: true, admission: await admit(job, bytes) });
} catch (error) {
  reply({ admitted: false, reason: error instanceof Error ? error.message : String(error) });
}
