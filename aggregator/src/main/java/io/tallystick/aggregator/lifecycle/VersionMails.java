package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Contact;
import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Removal;
import java.util.Optional;
import java.util.stream.Collectors;

/** The words of the mails about versions, in English and French. Plain text; what sellers wrote is quoted as it is. */
final class VersionMails {
    private VersionMails() {}

    /** A mail without its recipient. */
    record Text(String subject, String body) {}

    static Text published(Contact.Language language, VersionNews.News news) {
        ProductVersion v = news.version();
        return switch (language) {
            case EN ->
                new Text(
                        news.product().title() + ": version " + v.title() + " is published",
                        """
                        Version %s of %s is now available. We recommend that you upgrade to it.

                        Image for new VMs at %s: %s

                        Release notes
                        %s

                        You receive this mail because your organisation has subscribed to %s.
                        """
                                .formatted(
                                        v.title(),
                                        news.product().title(),
                                        v.cloud(),
                                        image(v),
                                        v.text().releaseNotes(),
                                        news.product().title()));
            case FR ->
                new Text(
                        news.product().title() + " : la version " + v.title() + " est publiée",
                        """
                        La version %s de %s est maintenant disponible. Nous vous recommandons de mettre à niveau.

                        Image pour les nouvelles VM chez %s : %s

                        Note de version
                        %s

                        Vous recevez cet e-mail car votre organisation a souscrit à %s.
                        """
                                .formatted(
                                        v.title(),
                                        news.product().title(),
                                        v.cloud(),
                                        image(v),
                                        v.text().releaseNotes(),
                                        news.product().title()));
        };
    }

    static Text modified(Contact.Language language, VersionNews.News news) {
        ProductVersion v = news.version();
        return switch (language) {
            case EN ->
                new Text(
                        news.product().title() + ": new information on version " + v.title(),
                        """
                        The seller has changed what it says about version %s of %s.

                        %s
                        """
                                .formatted(
                                        v.title(),
                                        news.product().title(),
                                        v.text().releaseNotes()));
            case FR ->
                new Text(
                        news.product().title() + " : nouvelles informations sur la version " + v.title(),
                        """
                        Le vendeur a modifié les informations sur la version %s de %s.

                        %s
                        """
                                .formatted(
                                        v.title(),
                                        news.product().title(),
                                        v.text().releaseNotes()));
        };
    }

    static Text restricted(Contact.Language language, VersionNews.News news) {
        ProductVersion v = news.version();
        return switch (language) {
            case EN ->
                new Text(
                        news.product().title() + ": version " + v.title() + " is restricted",
                        """
                        Version %s of %s is no longer offered to new subscribers. Your subscription goes on: running VMs
                        are not affected, and you can still launch new ones.

                        %s
                        """
                                .formatted(v.title(), news.product().title(), upgradeEn(news.latest())));
            case FR ->
                new Text(
                        news.product().title() + " : la version " + v.title() + " est restreinte",
                        """
                        La version %s de %s n'est plus proposée aux nouveaux souscripteurs. Votre souscription continue :
                        les VM lancées ne sont pas concernées et vous pouvez encore en lancer de nouvelles.

                        %s
                        """
                                .formatted(v.title(), news.product().title(), upgradeFr(news.latest())));
        };
    }

    static Text unpublished(Contact.Language language, VersionNews.News news) {
        ProductVersion v = news.version();
        return switch (language) {
            case EN ->
                new Text(
                        news.product().title() + ": version " + v.title() + " is unpublished",
                        """
                        Version %s of %s was unpublished and its image deleted. VMs that you have launched from it go on;
                        new ones cannot be launched.

                        %s
                        """
                                .formatted(v.title(), news.product().title(), upgradeEn(news.latest())));
            case FR ->
                new Text(
                        news.product().title() + " : la version " + v.title() + " est dépubliée",
                        """
                        La version %s de %s a été dépubliée et son image supprimée. Les VM déjà lancées continuent ;
                        il n'est plus possible d'en lancer de nouvelles.

                        %s
                        """
                                .formatted(v.title(), news.product().title(), upgradeFr(news.latest())));
        };
    }

    static Text withdrawn(Contact.Language language, Product product, Optional<Product> instead) {
        return switch (language) {
            case EN ->
                new Text(
                        product.title() + " is withdrawn",
                        """
                        The seller has withdrawn %s. It takes no new subscriptions. Your subscription goes on until you
                        end it; VMs that you have launched are not affected.
                        %s"""
                                .formatted(
                                        product.title(),
                                        why(product, instead, "You may take %s instead.", "Questions: %s")));
            case FR ->
                new Text(
                        product.title() + " est retiré",
                        """
                        Le vendeur a retiré %s, qui n'accepte plus de nouvelles souscriptions. La vôtre continue jusqu'à ce
                        que vous y mettiez fin ; les VM lancées ne sont pas concernées.
                        %s"""
                                .formatted(
                                        product.title(),
                                        why(product, instead, "Vous pouvez prendre %s à la place.", "Questions : %s")));
        };
    }

    /** What the seller said about the removal, a line each. */
    private static String why(Product product, Optional<Product> instead, String take, String ask) {
        StringBuilder why = new StringBuilder();
        product.removal()
                .flatMap(Removal::reason)
                .ifPresent(r -> why.append('\n').append(r).append('\n'));
        instead.ifPresent(
                p -> why.append('\n').append(take.formatted(p.title())).append('\n'));
        product.removal()
                .flatMap(Removal::contact)
                .ifPresent(c -> why.append('\n').append(ask.formatted(c)).append('\n'));
        return why.toString();
    }

    private static String upgradeEn(Optional<ProductVersion> latest) {
        return latest.map(v -> "We recommend version " + v.title() + ", image " + image(v) + ".")
                .orElse("");
    }

    private static String upgradeFr(Optional<ProductVersion> latest) {
        return latest.map(v -> "Nous vous recommandons la version " + v.title() + ", image " + image(v) + ".")
                .orElse("");
    }

    private static String image(ProductVersion version) {
        if (version.copies().isEmpty()) {
            return version.delivery().software().map(Delivery.Package::url).orElse("-");
        }
        return version.copies().stream()
                .map(copy -> copy.imageId() + " (" + copy.region() + ")")
                .collect(Collectors.joining(", "));
    }
}
