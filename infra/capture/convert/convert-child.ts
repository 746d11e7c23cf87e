/** The process that writes Parquet beside a server: what it takes of memory and time is not the server's. */
import { text } from 'node:stream/consumers';
import { convertSegments } from './convert-segments.ts';
import type { ConvertJob } from './protocol.ts';

const job = JSON.parse(await text(process.stdin)) as ConvertJob;
process.stdout.write(JSON.stringify(await convertSegments(job)));
