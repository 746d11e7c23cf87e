import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import { paint } from '../../output.ts';
import { actOut } from '../act.ts';
import { asUsual, type Twist } from '../calendar.ts';
import { patiently } from '../patience.ts';
import { endOfWorld, flights, type LiveScene, type TrainerName, wish } from '../scene.ts';
import type { Flight } from '../world.ts';

/** One tree with two leaves, learned at a crawl: nobody would mean it, and a script might well do it. */
const spoiledParameters = {
  lightgbm: ['training.parameters.n_estimators=1', 'training.parameters.num_leaves=2', 'training.parameters.learning_rate=0.001'],
  // A penalty that leaves no weight standing.
  reference: ['training.parameters.l2=1000000000000'],
} as const satisfies Record<TrainerName, readonly string[]>;

export const spoiledModel = async (scene: LiveScene): Promise<RetrainOutcome> => {
  const { story, trainer } = scene;
  story.chapter('Somebody spoils the parameters');
  const overrides = spoiledParameters[trainer];
  story.aside(overrides.join(', '));
  return actOut(scene, wish(scene, flights, 'somebody changed the parameters', overrides));
};

/** Nantucket: no flight went there before, so that no data has it. */
const newAirport = 'ACK';
/** Fewer than the one in a hundred from which new values are a broken feed. */
const oneInSoMany = 80;

const airportOpens: Twist = {
  change: (flight: Flight, index) => (index % oneInSoMany === 0 ? { ...flight, destination: newAirport } : flight),
  isExpected: ({ destination }) => destination === newAirport,
};

const tellHarm = ({ story }: LiveScene, { version, harmed, segments }: RolloutRecord): void => {
  if (harmed === null) return;
  const largest = Math.max(...segments.map(({ share }) => share));
  const failed = harmed.byGuardrail.errors ?? harmed.events;
  const told = `version ${version} was asked ${harmed.requests} times and harmed ${failed} requests before it was taken back`;
  story.say(paint('bold', told, story.out));
  story.aside(`It never had more than ${largest * 100}% of the traffic; everybody else was answered by the champion.`);
};

/**
 * A model that is better by all that is past, and fails for what is new: its hold-out has no flight to an airport that
 * opens today. Null without LightGBM, which its trainer extends.
 */
export const brokenModel = async (scene: LiveScene): Promise<RetrainOutcome | null> => {
  const { story, calendar, records, trainer } = scene;
  story.chapter('A better model that breaks on live traffic');
  if (trainer !== 'lightgbm') {
    story.aside('This chapter needs LightGBM, which the trainer of this model extends.');
    return null;
  }
  story.aside('A colleague blends the trees with a table of how often flights to each airport were late (destination-rates/).');
  story.aside(
    `From tomorrow on flights go to a new airport, Nantucket (${newAirport}); one request in ${oneInSoMany} asks about them.`,
  );
  const opening = calendar.twist(airportOpens);
  await calendar.until(async () => (calendar.today() >= opening ? true : null), endOfWorld);
  const overrides = ['training.trainer=./destination-rates'];
  const outcome = await actOut(scene, wish(scene, flights, 'a blend with a table of destinations', overrides));
  calendar.twist(asUsual);
  const found = await patiently(() => records.rollouts.list(flights));
  const rollout = found.find(({ version }) => version === outcome.modelVersion);
  if (rollout !== undefined) tellHarm(scene, rollout);
  return outcome;
};
