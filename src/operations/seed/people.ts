// Companies and the people in them: who reports to whom, and what each is like. Pure: the same
// seed gives the same.

import type { CompanyPatch, CompanyRole } from '../../domain/company.js';
import type { ContactMethod, EntityPatch, Status } from '../../domain/entity.js';
import { foldText } from '../../domain/text.js';
import { cultures, type Culture } from './cultures.js';
import type { Random } from './random.js';

/** The most levels that an organization chart has, its head counted. */
export const LEVELS = 10;

/** A company: where it is, what it is called, and how its people report to each other. */
export interface CompanyPlan {
  culture: Culture;
  name: string;
  domain: string;
  /** For each of its people, who they report to, by number within the company; the first is the head. */
  managers: readonly (number | null)[];
  /** For each of its people, how many are above. */
  levels: readonly number[];
}

const trades = [
  'Analytics', 'Bikes', 'Biotech', 'Catering', 'Ceramics', 'Cloud', 'Construction', 'Consulting', 'Design', 'Energy',
  'Express', 'Films', 'Foods', 'Freight', 'Gardens', 'Glass', 'Health', 'Instruments', 'Legal', 'Logistics', 'Machines',
  'Media', 'Optics', 'Paper', 'Pharma', 'Robotics', 'Shipping', 'Software', 'Solar', 'Textiles', 'Tools', 'Travel',
];

const departments = [
  'Engineering', 'Sales', 'Marketing', 'Finance', 'Human Resources', 'Operations', 'Customer Success', 'Legal',
  'Procurement', 'Research & Development', 'Quality', 'IT', 'Logistics', 'Product', 'Security', 'Facilities/Sites',
];

const heads = ['Chief Executive Officer', 'Managing Director', 'Owner', 'President'];
const leads = ['Chief # Officer', 'VP of #', 'Director of #', 'Head of #'];
const members = ['# Manager', 'Senior # Specialist', '# Specialist', '# Coordinator', '# Analyst', '# Assistant', '# Intern'];

/** The sizes that companies have, small ones more often. */
const sizes = [[1, 4], [5, 20], [5, 20], [21, 60], [21, 60], [61, 150], [151, 400]] as const;

export function planCompany(random: Random): CompanyPlan {
  const culture = random.pick(cultures);
  const [, family] = nameOf(random.pick(culture.family));
  const trade = random.pick(trades);
  const latin = `${family} ${trade}`;
  const [from, to] = random.pick(sizes);
  return {
    culture,
    name: `${latin} ${random.pick(culture.legalForms)}`,
    domain: `${slug(latin)}-${random.between(1, 9_999)}.example`,
    ...planLines(random.between(from, to), random),
  };
}

export function companyPatch({ name, domain, culture }: CompanyPlan, random: Random): CompanyPatch & { name: string } {
  const roles = (['Customer', 'Vendor', 'Partner'] satisfies CompanyRole[]).filter(() => random.chance(0.4));
  return {
    name,
    displayName: name,
    email: `office@${domain}`,
    phone: random.digits(culture.phone),
    website: `https://www.${domain}`,
    address: addressIn(culture, random, name),
    taxId: random.digits(`${culture.country}#########`),
    roles,
  };
}

/** Person number `index` of a company. `reportsTo` and `companyId` are ids. */
export function contactPatch(
  { culture, domain, name: companyName, levels }: CompanyPlan,
  { index, companyId, reportsTo }: { index: number; companyId: string; reportsTo: string | null },
  random: Random,
): EntityPatch & { name: string } {
  const ownCulture = random.chance(0.85) ? culture : random.pick(cultures);
  const [given, latinGiven] = nameOf(random.pick(ownCulture.given));
  const [family, latinFamily] = nameOf(random.pick(ownCulture.family));
  const name = ownCulture.familyFirst === true ? `${family} ${given}` : `${given} ${family}`;
  const level = levels[index] ?? 0;
  const department = level === 0 ? 'Executive' : random.pick(departments);
  const mailbox = `${slug(latinGiven)}.${slug(latinFamily)}`;
  return {
    name,
    displayName: given === latinGiven ? name : `${latinGiven} ${latinFamily}`,
    code: random.digits('P-######'),
    email: `${mailbox}${index === 0 ? '' : index}@${domain}`,
    phone: random.digits(culture.phone),
    parentEntityId: companyId,
    address: random.chance(0.6) ? addressIn(culture, random, companyName) : null,
    notes: random.chance(0.1) ? random.pick(['Met at the trade fair.', 'Prefers to be called in the morning.', 'Speaks for the whole group.']) : null,
    customFields: random.chance(0.2) ? { segment: random.pick(['enterprise', 'mid-market', 'small']), newsletter: random.chance(0.5) } : null,
    metadata: {
      title: titleOf(level, department, random),
      department,
      reportsTo,
      mobilePhone: random.chance(0.5) ? random.digits(culture.phone) : null,
      workPhone: random.chance(0.5) ? random.digits(culture.phone) : null,
      preferredContactMethod: random.chance(0.9) ? random.pick<ContactMethod>(['email', 'email', 'phone', 'mobile']) : null,
    },
    status: index === 0 ? 'active' : statusOf(random),
  };
}

/** Each reports to somebody who was there before, the earlier the likelier, at most `LEVELS` deep. */
function planLines(size: number, random: Random): Pick<CompanyPlan, 'managers' | 'levels'> {
  const managers: (number | null)[] = [null];
  const levels = [0];
  for (let index = 1; index < size; index += 1) {
    const candidate = Math.floor(index * random.next() ** 1.2);
    const tooDeep = (levels[candidate] ?? 0) >= LEVELS - 1;
    const manager = tooDeep ? (managers[candidate] ?? 0) : candidate;
    managers.push(manager);
    levels.push((levels[manager] ?? 0) + 1);
  }
  return { managers, levels };
}

function titleOf(level: number, department: string, random: Random): string {
  const titles = level === 0 ? heads : level === 1 ? leads : members;
  return random.pick(titles).replace('#', department);
}

function statusOf(random: Random): Status {
  const dice = random.next();
  if (dice < 0.92) return 'active';
  return dice < 0.98 ? 'inactive' : 'archived';
}

function addressIn(culture: Culture, random: Random, companyName: string): NonNullable<EntityPatch['address']> {
  const [city, stateProvince = null] = random.pick(culture.cities).split(', ') as [string, string?];
  return {
    companyName,
    line1: random.digits(culture.line1.replace('@', random.pick(culture.streets))).replace(/^0+/, ''),
    line2: random.chance(0.15) ? `${random.between(1, 12)}/F` : null,
    city,
    stateProvince,
    postalCode: random.digits(culture.postalCode),
    countryCode: culture.country,
  };
}

/** A name as it is written, and in Latin letters. */
function nameOf(entry: string): [string, string] {
  const [written, latin] = entry.split('|') as [string, string?];
  return [written, latin ?? written];
}

/** Plain letters and digits, as in an address of a mailbox. */
function slug(text: string): string {
  const plain = foldText(text).replaceAll('ł', 'l').replaceAll('ø', 'o').replaceAll('đ', 'd').replaceAll('ı', 'i').replaceAll('œ', 'oe');
  return plain.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
}
