import type { Command } from 'commander';

const registerReading = (models: Command): void => {
  models
    .command('list')
    .description('Model versions, newest first')
    .argument('[pipeline]', 'only of this pipeline')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial models list churn')
    .action(async (pipeline, options) => (await import('../models/inspect.ts')).listModels(pipeline, options));
  models
    .command('show')
    .description('One version: lineage, metrics, and what it takes and gives')
    .argument('<pipeline>')
    .argument('[version]', 'number, or "champion"', 'champion')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial models show churn 3')
    .action(async (pipeline, version, options) => (await import('../models/inspect.ts')).showModel(pipeline, version, options));
  models
    .command('diff')
    .description('What changed between two versions: code, parameters, features, data, definition, metrics')
    .argument('<pipeline>')
    .argument('<from>', 'version')
    .argument('[to]', 'version, or "champion"', 'champion')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial models diff churn 2 3')
    .action(async (pipeline, from, to, options) =>
      (await import('../models/inspect.ts')).diffModels(pipeline, from, to, options),
    );
};

const registerImport = (models: Command): void => {
  models
    .command('import')
    .description('Bring in an ONNX model that a team already serves, as first champion')
    .argument('<file>', 'an .onnx file: one [n, k] input, or one [n, 1] input a feature')
    .requiredOption('--pipeline <name>', 'an applied pipeline')
    .option('--golden <file>', 'JSON: [{"features": {name: number, ...} or [numbers], "answer": number or [numbers]}, ...]')
    .option('--features <names>', 'names of the k columns, separated by commas, where the file does not tell')
    .option('--task <task>', 'binary, multiclass or regression, where the file does not tell')
    .option('--classes <names>', 'label values in the order of the probabilities, separated by commas')
    .option('--force', 'although the pipeline has a champion')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial models import churn.onnx --pipeline churn --golden rows.json')
    .action(async (file, options) => (await import('../models/import.ts')).importModel(file, options));
};

export const register = (program: Command): void => {
  const models = program.command('models').description('List, show, compare and import model versions');
  registerReading(models);
  registerImport(models);
};
