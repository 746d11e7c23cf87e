export { metricsInOrder as inOrder } from '../../../infra/report/metrics-in-order.ts';
