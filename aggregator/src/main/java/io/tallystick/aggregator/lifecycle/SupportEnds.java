package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Contact;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.notice.Mail;
import io.tallystick.aggregator.notice.Outbox;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Tells sellers when the support that they owe for a restricted version has ended (rule R11). */
public final class SupportEnds {
    /** What a seller owes after a restriction. */
    public static final Duration SUPPORT = Duration.ofDays(90);

    public static final Duration EVERY = Duration.ofHours(1);

    /** Versions of one transaction: there may be years of them when this is done for the first time. */
    private static final int AT_ONCE = 100;

    private final Accounts accounts;
    private final Catalog catalog;
    private final Versions versions;
    private final Outbox outbox;
    private final Database database;
    private final Clock clock;

    public SupportEnds(
            Accounts accounts, Catalog catalog, Versions versions, Outbox outbox, Database database, Clock clock) {
        this.accounts = accounts;
        this.catalog = catalog;
        this.versions = versions;
        this.outbox = outbox;
        this.database = database;
        this.clock = clock;
    }

    /** Writes the mails that are due, each once, whoever else does the same. */
    public Future<Void> tell() {
        return database.transactor()
                .inTx(this::tell)
                .compose(told -> told < AT_ONCE ? Future.succeededFuture() : tell());
    }

    /** Answers of how many versions it told. */
    private Future<Integer> tell(SqlConnection tx) {
        return versions.supportEnded(tx, clock.instant().minus(SUPPORT), AT_ONCE)
                .compose(ended -> catalog.byIds(
                                tx,
                                ended.stream().map(ProductVersion::productId).collect(Collectors.toSet()))
                        .compose(products -> {
                            Map<String, List<Product>> bySeller =
                                    products.stream().collect(Collectors.groupingBy(Product::sellerAccountId));
                            Future<Void> told = Future.succeededFuture();
                            for (Map.Entry<String, List<Product>> of : bySeller.entrySet()) {
                                told = told.compose(done -> tell(tx, of.getKey(), of.getValue(), ended));
                            }
                            return told;
                        })
                        .map(ended.size()));
    }

    private Future<Void> tell(SqlConnection tx, String seller, List<Product> products, List<ProductVersion> ended) {
        return accounts.contacts(tx, List.of(seller)).compose(contacts -> {
            List<Mail> mails = new ArrayList<>();
            for (Product product : products) {
                ended.stream()
                        .filter(v -> v.productId().equals(product.id()))
                        .forEach(v -> contacts.forEach(c -> mails.add(mail(c, product, v))));
            }
            return outbox.write(tx, mails);
        });
    }

    private static Mail mail(Contact contact, Product product, ProductVersion version) {
        boolean french = contact.language() == Contact.Language.FR;
        String name = product.title() + " " + version.title();
        return new Mail(
                "support-ended:" + version.id(),
                contact.email(),
                french ? name + " : fin du support" : name + ": end of support",
                french
                        ? "La version " + version.title() + " de " + product.title()
                                + " est restreinte depuis " + SUPPORT.toDays()
                                + " jours. Vous ne lui devez plus de support.\n"
                        : "Version " + version.title() + " of " + product.title() + " has been restricted for "
                                + SUPPORT.toDays() + " days. You owe it no more support.\n");
    }
}
