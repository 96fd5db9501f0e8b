export { CsvHeaderError, readCsv } from './csv.js';
export { type ImportOptions, type ImportReport, importCourses } from './import-courses.js';
export { readNdjson } from './ndjson.js';
export type { RejectedRow, SourceRow } from './row.js';
