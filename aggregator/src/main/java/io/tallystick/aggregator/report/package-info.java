/**
 * Reports for sellers, made from booked lines and their charges once a day is closed, and kept as bytes. Owns {@code
 * report_file}. Does not own agreements, lines, charges or prices, and shows a seller its buyers by pseudonym only. Depends on billing
 * (how cells are written), account, db, web. Invariant: each usage line is in exactly one report of its seller.
 */
@NullMarked
package io.tallystick.aggregator.report;

import org.jspecify.annotations.NullMarked;
