/**
 * Decides entitlement, answers enrollments and lease requests, writes leases and metering plans. Owns no table: it reads
 * what the tiers below own. Invariant: no lease without an ALLOW or GRACE of {@link
 * io.tallystick.aggregator.entitlement.EntitlementRules}.
 */
@NullMarked
package io.tallystick.aggregator.entitlement;

import org.jspecify.annotations.NullMarked;
