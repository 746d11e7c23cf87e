/** The same word for a pipeline file and for the command line. */
export { nearestName as nearest } from '#domain/features/nearest-name.ts';
