/**
 * Sellers, buyers and operators, the cloud accounts they own, and API tokens with their roles. Owns {@code account},
 * {@code cloud_account}, {@code api_token}. Does not own what an account may see of other features: they ask for the
 * {@link io.tallystick.aggregator.web.Caller} and decide. Depends on audit, db, web. Invariants: a cloud account belongs
 * to one account; a token's secret is never stored.
 */
@NullMarked
package io.tallystick.aggregator.account;

import org.jspecify.annotations.NullMarked;
