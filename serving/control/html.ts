export { Html, html } from '../../infra/report/html.ts';
