package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.agreement.Agreement;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.portal.pages.JteagreementsGenerated;
import io.tallystick.aggregator.portal.pages.JtecatalogueGenerated;
import io.tallystick.aggregator.portal.pages.JtecatalogueproductGenerated;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What a buyer has subscribed to, and what there is to subscribe to. */
final class SubscriptionPages {
    private static final int ID_CHARS_MAX = 64;
    /** Products of one catalogue page: each is asked for its offers. */
    private static final int CATALOGUE_PAGE = 25;

    private final Agreements agreements;
    private final Catalog catalog;
    private final Versions versions;
    private final Offers offers;
    private final SqlClient reads;
    private final Html html;

    SubscriptionPages(
            Agreements agreements, Catalog catalog, Versions versions, Offers offers, SqlClient reads, Html html) {
        this.agreements = agreements;
        this.catalog = catalog;
        this.versions = versions;
        this.offers = offers;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/agreements", "agreementsPage")
                        .page(Role.BUYER)
                        .paged()
                        .query(Html.DONE)
                        .to(this::agreements),
                Route.post("/portal/agreements/{id}/cancel", "cancelAgreementOnPage")
                        .page(Role.BUYER)
                        .to(this::cancel),
                Route.get("/portal/catalogue", "cataloguePage")
                        .page(Role.BUYER)
                        .paged()
                        .query("q")
                        .to(this::catalogue),
                Route.get("/portal/catalogue/{id}", "catalogueProductPage")
                        .page(Role.BUYER)
                        .to(this::product),
                Route.post("/portal/catalogue/{id}/subscribe", "subscribeOnPage")
                        .page(Role.BUYER)
                        .to(this::subscribe));
    }

    private Future<Void> agreements(RoutingContext ctx) {
        return agreements
                .list(reads, Requests.caller(ctx), Optional.empty(), PageRequest.of(ctx))
                .compose(found -> titles(
                                found.map(v -> v.agreement().productId()).items())
                        .compose(products -> html.send(
                                ctx,
                                200,
                                (output, page) -> JteagreementsGenerated.render(
                                        output,
                                        null,
                                        page,
                                        found.items().stream()
                                                .map(Agreements.View::agreement)
                                                .toList(),
                                        products,
                                        found.nextParameter().orElse(null)))));
    }

    private Future<Map<String, Product>> titles(List<String> productIds) {
        return catalog.byIds(reads, productIds)
                .map(products -> products.stream().collect(Collectors.toMap(Product::id, p -> p)));
    }

    private Future<Void> cancel(RoutingContext ctx) {
        return agreements
                .end(Requests.caller(ctx), Requests.path(ctx, "id"))
                .compose(done -> html.redirect(ctx, "/portal/agreements?done=cancelled"));
    }

    private Future<Void> catalogue(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        PageRequest wanted = PageRequest.of(ctx);
        PageRequest request = new PageRequest(Math.min(wanted.limit(), CATALOGUE_PAGE), wanted.after());
        String words = Requests.query(ctx, "q").orElse("");
        if (words.length() > Catalog.Search.TEXT_CHARS_MAX) {
            throw Requests.invalid("q", "must have at most " + Catalog.Search.TEXT_CHARS_MAX + " characters");
        }
        Catalog.Search search = Catalog.Search.of(words);
        return catalog.search(reads, caller, search, request).compose(found -> offered(caller, found.items())
                .compose(all -> html.send(
                        ctx,
                        200,
                        (output, page) -> JtecatalogueGenerated.render(
                                output,
                                null,
                                page,
                                all,
                                words,
                                found.nextParameter().orElse(null)))));
    }

    /** What a buyer should know before subscribing. */
    private Future<Void> product(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return catalog.visible(reads, caller, Requests.path(ctx, "id"))
                .compose(product -> versions.list(reads, caller, product.id()).compose(all -> offered(
                                caller, List.of(product))
                        .compose(offered -> html.send(
                                ctx,
                                200,
                                (output, page) -> JtecatalogueproductGenerated.render(
                                        output,
                                        null,
                                        page,
                                        offered.get(0),
                                        all.stream().map(Versions.View::version).toList())))));
    }

    private Future<List<OfferedProduct>> offered(Caller caller, List<Product> products) {
        return subscribed(caller, products).compose(has -> withOffers(caller, products, has));
    }

    private Future<Set<String>> subscribed(Caller caller, List<Product> products) {
        return agreements
                .forAccountAndProducts(
                        reads,
                        caller.account().orElse(""),
                        products.stream().map(Product::id).toList())
                .map(all -> all.stream()
                        .filter(a -> a.endedAt().isEmpty())
                        .map(Agreement::productId)
                        .collect(Collectors.toSet()));
    }

    private Future<List<OfferedProduct>> withOffers(Caller caller, List<Product> products, Set<String> subscribed) {
        List<Future<OfferedProduct>> all = new ArrayList<>();
        for (Product product : products) {
            all.add(offers.list(reads, caller, product.id(), new PageRequest(PageRequest.LIMIT_DEFAULT, null))
                    .map(page -> OfferedProduct.of(product, page.items(), subscribed.contains(product.id()))));
        }
        return Future.all(all).map(done -> all.stream().map(Future::result).toList());
    }

    private Future<Void> subscribe(RoutingContext ctx) {
        return agreements
                .accept(
                        Requests.caller(ctx),
                        Requests.path(ctx, "id"),
                        Optional.empty(),
                        Forms.optional(ctx, "offer", ID_CHARS_MAX))
                .compose(done -> html.redirect(ctx, "/portal/agreements?done=subscribed"));
    }
}
