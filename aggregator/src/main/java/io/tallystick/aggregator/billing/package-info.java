/**
 * Posting runs, charges, and their pulls. Owns {@code posting_run}, {@code posting_state}, {@code usage_line}, {@code
 * rating_run}, {@code charging_state}, {@code charge}, {@code statement_month}, {@code statement}, {@code statement_line}, {@code
 * statement_charge}, and the {@code posted} and {@code dirty} marks of usage hours. Invariants: the lines of a usage hour add up to its {@code posted}; a finished
 * run never changes; nothing of an unfinished run is visible.
 */
@NullMarked
package io.tallystick.aggregator.billing;

import org.jspecify.annotations.NullMarked;
