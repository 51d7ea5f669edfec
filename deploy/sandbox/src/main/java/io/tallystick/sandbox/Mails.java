package io.tallystick.sandbox;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Multipart;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * An SMTP server on a loopback port that takes every mail and delivers none: what the marketplace sends can be read here,
 * and as {@code mails/NUMBER.eml} in the run folder once {@link #keep} was called. A restarted one has none of the mails
 * before; their files stay. Thread-safe.
 */
final class Mails implements AutoCloseable {
    /** In the run folder. */
    static final String FOLDER = "mails";

    private final RunFolder folder;
    private final GreenMail server;
    private int kept;

    /** One mail to one recipient, as sent. */
    record Mail(String id, String to, String subject, String text) {}

    private Mails(RunFolder folder, GreenMail server) {
        this.folder = folder;
        this.server = server;
    }

    static Mails open(RunFolder folder, int port) {
        ServerSetup setup = new ServerSetup(port, "127.0.0.1", ServerSetup.PROTOCOL_SMTP);
        GreenMail server = new GreenMail(setup);
        try {
            server.start();
        } catch (IllegalStateException e) {
            throw new Trouble("the mail server cannot listen on port " + port + ": " + e.getMessage(), e);
        }
        return new Mails(folder, server);
    }

    /** Every mail since the start, in the order of arrival. */
    List<Mail> all() {
        List<Mail> mails = new ArrayList<>();
        for (MimeMessage message : server.getReceivedMessages()) {
            mails.add(mail(message));
        }
        return mails;
    }

    /** Writes the mails that came since the last call into the run folder; answers them. */
    synchronized List<Mail> keep() {
        MimeMessage[] all = server.getReceivedMessages();
        List<Mail> fresh = new ArrayList<>();
        for (; kept < all.length; kept++) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try {
                all[kept].writeTo(bytes);
            } catch (IOException | MessagingException e) {
                throw new IllegalStateException("a received mail cannot be written", e);
            }
            folder.folder(FOLDER);
            folder.write(nextName(), bytes.toString(StandardCharsets.UTF_8));
            fresh.add(mail(all[kept]));
        }
        return fresh;
    }

    private String nextName() {
        for (int n = 1; ; n++) {
            String name = FOLDER + "/" + n + ".eml";
            if (folder.read(name).isEmpty()) {
                return name;
            }
        }
    }

    private static Mail mail(MimeMessage message) {
        try {
            String to = Arrays.stream(Optional.ofNullable(message.getRecipients(Message.RecipientType.TO))
                            .orElse(new InternetAddress[0]))
                    .map(Object::toString)
                    .reduce((a, b) -> a + ", " + b)
                    .orElse("");
            return new Mail(
                    String.valueOf(message.getMessageID()),
                    to,
                    String.valueOf(message.getSubject()),
                    plain(message.getContent()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (MessagingException e) {
            throw new IllegalStateException("a mail that cannot be read", e);
        }
    }

    @Override
    public void close() {
        server.stop();
    }

    /** The plain part of what was sent as plain text and HTML. */
    private static String plain(Object content) throws MessagingException, IOException {
        return content instanceof Multipart parts
                ? String.valueOf(parts.getBodyPart(0).getContent())
                : String.valueOf(content);
    }
}
