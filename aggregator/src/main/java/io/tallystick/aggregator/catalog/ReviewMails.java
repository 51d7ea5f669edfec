package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.account.Contact;
import io.tallystick.aggregator.notice.Mail;

/** What a seller is told of a decision, in English and French. */
final class ReviewMails {
    private ReviewMails() {}

    static Mail decided(Contact contact, Product product, Review review) {
        String event = "review:" + review.id() + ":" + review.status().wire() + ":"
                + review.decidedAt().orElseThrow();
        String reason = review.reason().map(r -> "\n" + r + "\n").orElse("");
        boolean french = contact.language() == Contact.Language.FR;
        return new Mail(
                event,
                contact.email(),
                french ? subjectFr(product, review) : subjectEn(product, review),
                (french ? bodyFr(product, review) : bodyEn(product, review)) + reason);
    }

    private static String subjectEn(Product product, Review review) {
        return product.title() + ": your request for " + review.visibility() + " "
                + switch (review.status()) {
                    case APPROVED -> "is approved";
                    case REJECTED -> "is rejected";
                    case ACTION_REQUIRED -> "needs something of you";
                    case OPEN, CANCELLED -> throw new IllegalStateException("nobody decided " + review.id());
                };
    }

    private static String subjectFr(Product product, Review review) {
        return product.title() + " : votre demande " + review.visibility() + " "
                + switch (review.status()) {
                    case APPROVED -> "est acceptée";
                    case REJECTED -> "est refusée";
                    case ACTION_REQUIRED -> "demande une action de votre part";
                    case OPEN, CANCELLED -> throw new IllegalStateException("nobody decided " + review.id());
                };
    }

    private static String bodyEn(Product product, Review review) {
        return switch (review.status()) {
            case APPROVED -> product.title() + " is " + review.visibility() + " now.\n";
            case REJECTED -> product.title() + " stays as it is. The operator says:\n";
            default ->
                "Before " + product.title() + " becomes " + review.visibility()
                        + ", please change this, and ask again:\n";
        };
    }

    private static String bodyFr(Product product, Review review) {
        return switch (review.status()) {
            case APPROVED -> product.title() + " est maintenant " + review.visibility() + ".\n";
            case REJECTED -> product.title() + " reste inchangé. L'opérateur précise :\n";
            default ->
                "Avant que " + product.title() + " ne devienne " + review.visibility()
                        + ", veuillez modifier ceci, puis redemander :\n";
        };
    }
}
