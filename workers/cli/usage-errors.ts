/** What is wrong with how a command was called: all of it at once, and the help that is about this command. */
import type { Command } from 'commander';
import { nearestName } from '#domain/features/nearest-name.ts';

/** These are found one after the other, and the first would hide the others. */
const counted = ['commander.missingMandatoryOptionValue', 'commander.missingArgument', 'commander.excessArguments'];

/** It may be the very option that is missing, mistyped. */
const unknownOptions = (command: Command): string[] => {
  const known = command.options.flatMap(({ long }) => long ?? []);
  return command.args
    .filter((word) => word.startsWith('--') && word !== '--')
    .map((word) => {
      const near = nearestName(word, known);
      return `unknown option '${word}'${near === null ? '' : ` (did you mean ${near}?)`}`;
    });
};

/** Missing and superfluous arguments, and options that must be there; a word that begins with "-" is no argument. */
const problemsOf = (command: Command): string[] => {
  const given = command.args.filter((word) => !/^-./.test(word));
  const wanted = command.registeredArguments;
  const missing = wanted.filter((argument, place) => argument.required && given[place] === undefined);
  const isOpen = wanted.at(-1)?.variadic ?? false;
  const options = command.options.filter(
    (option) => option.mandatory && command.getOptionValue(option.attributeName()) === undefined,
  );
  return [
    ...unknownOptions(command),
    ...(missing.length === 0 ? [] : [`missing ${missing.map((argument) => `<${argument.name()}>`).join(' ')}`]),
    ...(isOpen || given.length <= wanted.length
      ? []
      : [`too many arguments: expected ${wanted.length}, got ${given.length} (${given.join(', ')})`]),
    ...options.map((option) => `required option '${option.flags}' not specified`),
  ];
};

const wholeMessage = (command: Command, message: string, code: string | undefined): string => {
  if (code === undefined || !counted.includes(code)) return message;
  const problems = problemsOf(command);
  return problems.length === 0 ? message : `error: ${problems.join('; ')}`;
};

/** For a command and those below it. Its errors are thrown, so that the caller chooses the exit code. */
export const explainUsage = (command: Command, path: readonly string[] = []): void => {
  command.exitOverride();
  command.showHelpAfterError(`(see \`${['perennial help', ...path].join(' ')}\`)`);
  const error = command.error.bind(command);
  command.error = (message, options) => error(wholeMessage(command, message, options?.code), options);
  for (const child of command.commands) explainUsage(child, [...path, child.name()]);
};
