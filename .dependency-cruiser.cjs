/** Import borders between the rooms. test/house/imports.test.ts knows types from values; this sees cycles. */
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    rule('no-cycles', 'A cycle hides who depends on whom; move what both need below them', {}, { circular: true }),
    rule(
      'pure-heart',
      'The domain imports nothing outside itself',
      { path: '^workflows/domain' },
      { path: '^(workflows/[^/]+\\.ts|infra|activities|workers|serving|test)' },
    ),
    rule(
      'arrows-point-inwards',
      'Workflows import nothing from other rooms',
      { path: '^workflows' },
      { path: '^(infra|activities|workers|serving|test)' },
    ),
    rule(
      'infra-knows-no-steps',
      'Infra is below the steps and the servers',
      { path: '^infra', pathNot: '^infra/demo' },
      { path: '^(activities|workers|serving|test)' },
    ),
    rule(
      'serving-apart-from-activities',
      'What both need lives in infra or domain',
      { path: '^serving' },
      { path: '^(activities|workers)' },
    ),
    rule(
      'activities-apart-from-serving',
      'What both need lives in infra or domain',
      { path: '^activities' },
      { path: '^(serving|workers)' },
    ),
    rule(
      'trainers-are-launched',
      'A trainer is a program: launch it, never import it',
      { pathNot: '^(workers/trainers|test)' },
      { path: '^workers/trainers/.*\\.ts$' },
    ),
    rule('nobody-imports-test', 'Tests import the rooms, never the reverse', { pathNot: '^test' }, { path: '^test' }),
    rule('no-node-in-workflows', 'The sandbox has no Node', { path: '^workflows' }, { dependencyTypes: ['core'] }),
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: false,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      conditionNames: ['import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
