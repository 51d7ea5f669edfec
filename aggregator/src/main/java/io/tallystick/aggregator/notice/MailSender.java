package io.tallystick.aggregator.notice;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.ext.mail.MailClient;
import io.vertx.ext.mail.MailMessage;
import io.vertx.ext.mail.SMTPException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends what is in the outbox. A process that dies between the server's yes and our note of it sends the mail again, under
 * the same Message-ID: once is what we can promise of the outbox, at least once is what SMTP allows.
 */
public final class MailSender {
    /** Mails of one round, sent one after the other on a pooled connection. */
    static final int ROUND_MAX = 20;
    /** A mail that was not taken by then helps nobody any more. */
    static final Duration GIVEN_UP_AFTER = Duration.ofDays(5);

    private static final Duration LEASE = Duration.ofMinutes(10);
    private static final Duration BACKOFF_FIRST = Duration.ofSeconds(30);
    private static final Duration BACKOFF_MAX = Duration.ofHours(1);
    private static final int DOUBLINGS_MAX = 12;
    /** What the client's messages about a failed sign-in start with: the command. */
    private static final String SIGN_IN = "AUTH";

    private static final Logger LOG = LoggerFactory.getLogger(MailSender.class);

    private final Outbox outbox;
    private final MailClient client;
    private final String from;
    private final Database database;
    private final RandomGenerator random;
    private final Clock clock;

    /** @param from the sender's address, as in {@code Name <address>} or alone */
    public MailSender(
            Outbox outbox, MailClient client, String from, Database database, RandomGenerator random, Clock clock) {
        this.outbox = outbox;
        this.client = client;
        this.from = from;
        this.database = database;
        this.random = random;
        this.clock = clock;
    }

    /** Sends what is due now; answers how many mails were tried. Fails only if the database cannot be asked. */
    public Future<Integer> round() {
        Instant now = now();
        return outbox.store
                .take(database.reads(), now, now.plus(LEASE), ROUND_MAX)
                .compose(taken -> {
                    Future<Void> done = Future.succeededFuture();
                    for (OutboxStore.Taken mail : taken) {
                        done = done.compose(before -> send(mail));
                    }
                    return done.map(taken.size());
                });
    }

    private Future<Void> send(OutboxStore.Taken mail) {
        MailMessage message = new MailMessage()
                .setFrom(from)
                .setTo(mail.recipient())
                .setSubject(mail.subject())
                .setText(mail.body())
                .setHtml(html(mail.body()))
                .setHeaders(MultiMap.caseInsensitiveMultiMap()
                        .add("Message-ID", mail.messageId())
                        .add("Auto-Submitted", "auto-generated"));
        return sent(message)
                .compose(done -> outbox.store.sent(database.reads(), mail, now()))
                .recover(e -> failed(mail, e));
    }

    /** The same for readers of HTML: a paragraph where a blank line was, and nothing of the text is markup. */
    static String html(String text) {
        String escaped = text.strip()
                .replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
        return "<!DOCTYPE html>\n<html><body><p>"
                + escaped.replaceAll("\\n{2,}", "</p><p>").replace("\n", "<br>") + "</p></body></html>\n";
    }

    private Future<Void> sent(MailMessage message) {
        try {
            return client.sendMail(message).mapEmpty();
        } catch (RuntimeException e) {
            return Future.failedFuture(e);
        }
    }

    /** A server may repeat what it was sent, and in a sign-in that is the password: kept is only that it refused. */
    private static String told(Throwable e) {
        String message = String.valueOf(e.getMessage());
        if (!message.startsWith(SIGN_IN)) {
            return message;
        }
        return "the server refused the sign-in" + (e instanceof SMTPException smtp ? ": " + smtp.getReplyCode() : "");
    }

    private Future<Void> failed(OutboxStore.Taken mail, Throwable e) {
        String error = told(e);
        boolean refused = e instanceof SMTPException smtp && smtp.isPermanent();
        boolean tooOld = mail.createdAt().plus(GIVEN_UP_AFTER).isBefore(now());
        if (refused || tooOld) {
            // No address in the log: it is personal.
            LOG.warn("mail {} is given up: {}", mail.id(), refused ? "refused for good" : "not taken for days");
            return outbox.store.refused(database.reads(), mail, now(), error);
        }
        LOG.info("mail {} was not taken, attempt {}", mail.id(), mail.attempts());
        long ceiling = Math.min(
                BACKOFF_MAX.toMillis(), BACKOFF_FIRST.toMillis() << Math.min(mail.attempts() - 1, DOUBLINGS_MAX));
        Instant due = now().plusMillis(ceiling / 2 + random.nextLong(ceiling / 2 + 1));
        return outbox.store.retry(database.reads(), mail, due, error);
    }

    private Instant now() {
        return Columns.micros(clock.instant());
    }
}
