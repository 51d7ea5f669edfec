package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.icegreen.greenmail.util.GreenMailUtil;
import com.icegreen.greenmail.util.ServerSetup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MailsTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void everyMailIsTakenAndKeptOnceAlsoOverARestart() throws Exception {
        int port = new Ports(0, new SecureRandom()).take("mail");
        try (RunFolder folder = RunFolder.lock(dir)) {
            try (Mails mails = Mails.open(folder, port)) {
                send(port, "one");
                send(port, "two");
                assertTrue(Await.until(Duration.ofMinutes(1), () -> mails.all().size() == 2));
                assertEquals(
                        List.of("one", "two"),
                        mails.keep().stream().map(Mails.Mail::subject).toList());
                assertEquals(List.of(), mails.keep());
                Mails.Mail first = mails.all().get(0);
                assertEquals("buyer@example.com", first.to());
                assertEquals("text of one", first.text().strip());
            }
            try (Mails mails = Mails.open(folder, port)) {
                send(port, "three");
                assertTrue(Await.until(Duration.ofMinutes(1), () -> mails.all().size() == 1));
                mails.keep();
            }
            assertTrue(Files.readString(dir.resolve("mails/1.eml")).contains("Subject: one"));
            assertTrue(Files.readString(dir.resolve("mails/3.eml")).contains("Subject: three"));
        }
    }

    private static void send(int port, String subject) {
        GreenMailUtil.sendTextEmail(
                "buyer@example.com",
                "marketplace@example.com",
                subject,
                "text of " + subject,
                new ServerSetup(port, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
    }
}
