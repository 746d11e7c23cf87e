/** Writes customers.csv: 800 customers whose chance to leave follows a logistic model; seeded, so always the same. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '#domain/stats/random.ts';

const customerCount = 800;
const next = createRandom(2001);
const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T;

const contracts = ['month-to-month', 'month-to-month', 'one year', 'two year'] as const;
const payments = ['electronic check', 'mailed check', 'bank transfer', 'credit card'] as const;
const contractEffect = { 'month-to-month': 1.1, 'one year': -0.5, 'two year': -1.6 } as const;

const customer = (index: number): string => {
  const contract = pick(contracts);
  const payment = pick(payments);
  const tenure = Math.floor(next() * (contract === 'month-to-month' ? 40 : 72));
  const monthly = Math.round((20 + next() * 95) * 100) / 100;
  const total = Math.round(monthly * tenure * (0.95 + next() * 0.1) * 100) / 100;
  const logit =
    -1.2 + contractEffect[contract] + 0.022 * (monthly - 65) - 0.045 * (tenure - 20) + (payment === 'electronic check' ? 0.7 : 0);
  const churned = next() < 1 / (1 + Math.exp(-logit));
  // One in forty bills is not known yet: missing values are part of the world.
  const totalText = next() < 0.025 ? '' : String(total);
  return [`c${String(index + 1).padStart(4, '0')}`, tenure, monthly, totalText, contract, payment, churned].join(',');
};

const header = 'customer_id,tenure,monthly_charges,total_charges,contract,payment_method,churned';
export const customersCsv = (): string =>
  `${[header, ...Array.from({ length: customerCount }, (_, index) => customer(index))].join('\n')}\n`;

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'customers.csv'), customersCsv());
