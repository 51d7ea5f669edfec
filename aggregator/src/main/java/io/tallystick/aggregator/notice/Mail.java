package io.tallystick.aggregator.notice;

/**
 * A mail to be written.
 *
 * @param event what it is about; with the recipient, what makes it one and the same mail
 * @param subject control characters in it become blanks
 * @param body plain text
 */
public record Mail(String event, String recipient, String subject, String body) {
    public Mail {
        subject = subject.replaceAll("\\p{Cntrl}+", " ").strip();
    }
}
