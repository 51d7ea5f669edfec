package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Contact;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Removal;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.notice.Mail;
import io.tallystick.aggregator.notice.Outbox;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * Writes to those who have subscribed to a product, their administrators included, what became of its versions: one mail
 * per address and event, whatever happens to the worker, because the outbox takes a pair of the two only once.
 */
final class VersionNews {
    private final CopyStore subscribers = new CopyStore();
    private final Accounts accounts;
    private final Catalog catalog;
    private final Versions versions;
    private final Outbox outbox;

    VersionNews(Accounts accounts, Catalog catalog, Versions versions, Outbox outbox) {
        this.accounts = accounts;
        this.catalog = catalog;
        this.versions = versions;
        this.outbox = outbox;
    }

    Future<Void> published(SqlConnection tx, ProductVersion version, Instant now) {
        return about(tx, version, now, "version-published:" + version.id(), VersionMails::published);
    }

    Future<Void> modified(SqlConnection tx, ProductVersion version, String changeSetId, Instant now) {
        return about(tx, version, now, "version-modified:" + version.id() + ":" + changeSetId, VersionMails::modified);
    }

    Future<Void> restricted(SqlConnection tx, ProductVersion version, Instant now) {
        return about(tx, version, now, "version-restricted:" + version.id(), VersionMails::restricted);
    }

    Future<Void> unpublished(SqlConnection tx, ProductVersion version, Instant now) {
        return about(tx, version, now, "version-unpublished:" + version.id(), VersionMails::unpublished);
    }

    Future<Void> withdrawn(SqlConnection tx, Product product, Instant now) {
        List<String> replacement =
                product.removal().flatMap(Removal::replacement).stream().toList();
        return catalog.byIds(tx, replacement)
                .compose(instead -> send(
                        tx,
                        product.id(),
                        now,
                        "product-withdrawn:" + product.id(),
                        contact -> VersionMails.withdrawn(
                                contact.language(), product, instead.stream().findFirst())));
    }

    /** What a mail about a version may mention: the version itself, and the one to upgrade to. */
    record News(Product product, ProductVersion version, Optional<ProductVersion> latest) {}

    private Future<Void> about(
            SqlConnection tx,
            ProductVersion version,
            Instant now,
            String event,
            BiFunction<Contact.Language, News, VersionMails.Text> text) {
        return catalog.byIds(tx, List.of(version.productId())).compose(products -> versions.ofProducts(
                        tx, List.of(version.productId()))
                .compose(all -> {
                    Optional<ProductVersion> latest = all.stream()
                            .filter(v -> v.latest() && v.cloud().equals(version.cloud()))
                            .findFirst();
                    News news = new News(products.get(0), version, latest);
                    return send(tx, version.productId(), now, event, contact -> text.apply(contact.language(), news));
                }));
    }

    private Future<Void> send(
            SqlConnection tx,
            String productId,
            Instant now,
            String event,
            java.util.function.Function<Contact, VersionMails.Text> text) {
        return subscribers
                .subscribers(tx, productId, now)
                .compose(ids -> accounts.contacts(tx, ids))
                .compose(contacts -> {
                    List<Mail> mails = new ArrayList<>();
                    for (Contact contact : contacts) {
                        VersionMails.Text written = text.apply(contact);
                        mails.add(new Mail(event, contact.email(), written.subject(), written.body()));
                    }
                    return outbox.write(tx, mails);
                });
    }
}
