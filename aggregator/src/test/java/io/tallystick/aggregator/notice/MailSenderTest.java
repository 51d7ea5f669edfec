package io.tallystick.aggregator.notice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import io.tallystick.aggregator.app.ManualClock;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.ext.mail.MailClient;
import io.vertx.ext.mail.MailConfig;
import io.vertx.ext.mail.StartTLSOptions;
import jakarta.mail.Multipart;
import jakarta.mail.internet.MimeMessage;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The outbox against a real SMTP server. */
class MailSenderTest {
    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate());

    private final ManualClock clock = new ManualClock(Instant.parse("2026-03-10T09:30:00Z"));
    private final SecureRandom random = new SecureRandom();
    private final Vertx vertx = Vertx.vertx();
    private final GreenMail server = new GreenMail(new ServerSetup(0, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
    private Database database;
    private Outbox outbox;
    private MailSender sender;

    @BeforeEach
    void open() throws Exception {
        server.start();
        database = Database.open(vertx, DatabaseUrl.parse(DB.url()), TestDatabase.POOL_SIZE);
        DB.execute("DELETE FROM outbox");
        outbox = new Outbox(new Ids(clock, random), "example.com", clock);
        sender = sender(server.getSmtp().getPort());
    }

    private MailSender sender(int port) {
        MailClient client = MailClient.create(
                vertx, new MailConfig().setHostname("127.0.0.1").setPort(port).setStarttls(StartTLSOptions.DISABLED));
        return new MailSender(outbox, client, "Marketplace <no-reply@example.com>", database, random, clock);
    }

    @AfterEach
    void close() throws Exception {
        server.stop();
        await(database.close());
        await(vertx.close());
    }

    private static <T> T await(Future<T> future) throws TimeoutException {
        return future.await(10, TimeUnit.SECONDS);
    }

    private void write(Mail... mails) throws TimeoutException {
        await(database.transactor().inTx(tx -> outbox.write(tx, List.of(mails))));
    }

    @Test
    void aMailIsWrittenOnceAndSentWithItsOwnMessageId() throws Exception {
        Mail mail =
                new Mail("version-published:1", "a@example.com", "Version 1\r\nBcc: x@example.com", "Voilà : été €\n");
        write(mail);
        write(mail);
        await(sender.round());
        await(sender.round());
        MimeMessage[] received = server.getReceivedMessages();
        assertEquals(1, received.length);
        assertEquals("Version 1 Bcc: x@example.com", received[0].getSubject());
        Multipart content = (Multipart) received[0].getContent();
        assertEquals(
                "Voilà : été €",
                String.valueOf(content.getBodyPart(0).getContent()).strip());
        assertTrue(
                String.valueOf(content.getBodyPart(1).getContent()).contains("<p>Voilà : été €</p>"), "the HTML part");
        assertEquals("a@example.com", received[0].getAllRecipients()[0].toString());
        assertEquals("Marketplace <no-reply@example.com>", received[0].getFrom()[0].toString());
        assertTrue(received[0].getMessageID().matches("<mail-[0-9a-z]+@example.com>"), received[0].getMessageID());
        assertEquals(Optional.empty(), await(outbox.oldestUndelivered(database.reads())));
    }

    @Test
    void aServerThatIsAwayIsAskedAgainLater() throws Exception {
        write(new Mail("e", "a@example.com", "S", "B"));
        int port = server.getSmtp().getPort();
        server.stop();
        MailSender early = sender(port);
        assertEquals(1, await(early.round()));
        assertEquals(0, await(early.round()));
        assertEquals(Optional.of(clock.instant()), await(outbox.oldestUndelivered(database.reads())));
        server.start();
        clock.advance(Duration.ofMinutes(1));
        assertEquals(1, await(sender(server.getSmtp().getPort()).round()));
        assertEquals(1, server.getReceivedMessages().length);
    }

    /** Dying after the server's yes means sending again: then the two are one to every mail program. */
    @Test
    void aMailSentTwiceHasOneMessageId() throws Exception {
        write(new Mail("e", "a@example.com", "S", "B"));
        await(sender.round());
        DB.execute("UPDATE outbox SET sent_at = NULL");
        await(sender.round());
        MimeMessage[] received = server.getReceivedMessages();
        assertEquals(2, received.length);
        assertEquals(
                1, Arrays.stream(received).map(MailSenderTest::id).distinct().count());
    }

    private static String id(MimeMessage message) {
        try {
            return message.getMessageID();
        } catch (jakarta.mail.MessagingException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void manySendersSendEachMailOnce() throws Exception {
        for (int i = 0; i < 30; i++) {
            write(new Mail("e" + i, "a@example.com", "S", "B"));
        }
        await(Future.join(List.of(sender.round(), sender.round(), sender.round())));
        assertEquals(30, server.getReceivedMessages().length);
    }

    @Test
    void aMailThatNobodyTakesForDaysIsGivenUp() throws Exception {
        write(new Mail("e", "a@example.com", "S", "B"));
        MailSender nowhere = sender(1);
        await(nowhere.round());
        clock.advance(MailSender.GIVEN_UP_AFTER.plusSeconds(1));
        await(nowhere.round());
        assertEquals(1L, await(outbox.refused(database.reads())));
        assertEquals(Optional.empty(), await(outbox.oldestUndelivered(database.reads())));
    }
}
