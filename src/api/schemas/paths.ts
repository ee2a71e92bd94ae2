// The parameters of paths.

import { z } from 'zod';
import { contactMethods } from '../../domain/entity.js';
import type { PathParameter } from '../routing.js';
import { exampleIds } from '../openapi/examples.js';
import { uuid } from './entity.js';

export const contactIdParameter: PathParameter = { schema: uuid, description: 'ID of the contact', example: exampleIds.contact };

export const companyIdParameter: PathParameter = { schema: uuid, description: 'ID of the company', example: exampleIds.company };

export const departmentParameter: PathParameter = {
  schema: z.string(),
  description: 'Department name, whatever the case and accents; `%2F` is a slash of the name',
  example: 'Sales',
};

/** The contact method of a path. */
export const contactMethodSchema = z.object({
  method: z.enum(contactMethods, `Must be one of ${contactMethods.map((method) => `'${method}'`).join(', ')}`),
});

export const contactMethodParameter: PathParameter = {
  schema: contactMethodSchema.shape.method,
  description: "Contact method: 'email', 'phone' or 'mobile'",
  example: 'email',
};
