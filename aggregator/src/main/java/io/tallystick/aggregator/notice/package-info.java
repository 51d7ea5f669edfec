/**
 * Mails: an outbox in the database, and the sender over SMTP. Owns {@code outbox}. Does not write texts (those who have
 * something to say do). Depends on {@code db}. Invariants: one mail per event and recipient is ever written; a mail is sent
 * at least once, always under the same Message-ID, until a server takes it or refuses it for good.
 */
@NullMarked
package io.tallystick.aggregator.notice;

import org.jspecify.annotations.NullMarked;
