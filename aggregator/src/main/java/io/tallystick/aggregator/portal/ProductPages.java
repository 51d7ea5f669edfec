package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Reviews;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.lifecycle.Change;
import io.tallystick.aggregator.lifecycle.ChangeRules;
import io.tallystick.aggregator.lifecycle.ChangeSets;
import io.tallystick.aggregator.portal.pages.JteproductGenerated;
import io.tallystick.aggregator.portal.pages.JteproductsGenerated;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** My products, and one product with its versions. */
final class ProductPages {
    private static final int NOTE_CHARS_MAX = 2000;

    /**
     * A product as its seller sees it.
     *
     * @param modifiedAt when its visibility or a version of it that is out last changed
     */
    record Shown(Product product, Instant modifiedAt) {
        static Shown of(Product product, List<ProductVersion> versions) {
            Instant modified = versions.stream()
                    .filter(v -> v.productId().equals(product.id()))
                    .filter(v -> v.status() != VersionStatus.DRAFT && v.status() != VersionStatus.PUBLISHING)
                    .map(ProductVersion::modifiedAt)
                    .reduce(product.visibilitySetAt(), (a, b) -> a.isAfter(b) ? a : b);
            return new Shown(product, modified);
        }
    }

    private final Catalog catalog;
    private final Versions versions;
    private final Reviews reviews;
    private final ChangeSets changeSets;
    private final Offers offers;
    private final Clock clock;
    private final SqlClient reads;
    private final Html html;

    ProductPages(
            Catalog catalog,
            Versions versions,
            Reviews reviews,
            ChangeSets changeSets,
            Offers offers,
            SqlClient reads,
            Html html,
            Clock clock) {
        this.catalog = catalog;
        this.versions = versions;
        this.reviews = reviews;
        this.changeSets = changeSets;
        this.offers = offers;
        this.clock = clock;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/products", "productsPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .paged()
                        .to(this::products),
                Route.get("/portal/products/{id}", "productPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .query(Html.DONE)
                        .to(this::product),
                Route.post("/portal/offers/{id}/close", "closeOfferOnPage")
                        .page(Role.SELLER)
                        .to(this::closeOffer),
                Route.post("/portal/products/{id}/unpublish", "unpublishProductOnPage")
                        .page(Role.SELLER)
                        .to(this::unpublish),
                Route.post("/portal/products/{id}/visibility", "requestVisibilityOnPage")
                        .page(Role.SELLER)
                        .to(this::requestVisibility));
    }

    private Future<Void> products(RoutingContext ctx) {
        return catalog.list(reads, Requests.caller(ctx), PageRequest.of(ctx)).compose(found -> versions.ofProducts(
                        reads, found.items().stream().map(Product::id).toList())
                .compose(all -> {
                    Page<Shown> shown = found.map(p -> Shown.of(p, all));
                    return html.send(
                            ctx,
                            200,
                            (output, page) -> JteproductsGenerated.render(
                                    output,
                                    null,
                                    page,
                                    shown.items().stream().map(Shown::product).toList(),
                                    shown.items().stream()
                                            .map(Shown::modifiedAt)
                                            .toList(),
                                    shown.nextParameter().orElse(null)));
                }));
    }

    private Future<Void> product(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return catalog.managed(reads, caller, Requests.path(ctx, "id"))
                .compose(product -> versions.ofProducts(reads, List.of(product.id()))
                        .compose(all -> reviews.ofProduct(reads, product.id()).compose(open -> offers.list(
                                        reads, caller, product.id(), new PageRequest(PageRequest.LIMIT_MAX, null))
                                .compose(found -> html.send(
                                        ctx,
                                        200,
                                        (output, page) -> JteproductGenerated.render(
                                                output,
                                                null,
                                                page,
                                                product,
                                                Shown.of(product, all).modifiedAt(),
                                                all,
                                                open.orElse(null),
                                                caller.role() == Role.SELLER ? steps(product) : List.of(),
                                                caller.role() == Role.SELLER ? possible(product, all) : Map.of(),
                                                OwnOffer.of(found.items(), clock.instant()),
                                                caller.role() == Role.SELLER))))));
    }

    private static Map<String, Set<Change.Type>> possible(Product product, List<ProductVersion> all) {
        return all.stream().collect(Collectors.toMap(ProductVersion::id, v -> ChangeRules.possible(product, v, all)));
    }

    private Future<Void> closeOffer(RoutingContext ctx) {
        return offers.close(Requests.caller(ctx), Requests.path(ctx, "id"), Optional.empty())
                .compose(
                        offer -> html.redirect(ctx, "/portal/products/" + offer.get("product") + "?done=offer-closed"));
    }

    /** All its versions at once (rule O8). The product is looked for first, so that a foreign one is missing. */
    private Future<Void> unpublish(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return catalog.managed(reads, caller, Requests.path(ctx, "id"))
                .compose(product -> changeSets.unpublishProduct(caller, product.id()))
                .compose(set -> html.redirect(ctx, "/portal/change-sets/" + set.id() + "?done=queued"));
    }

    private static List<Visibility> steps(Product product) {
        return product.visibility().next().stream().sorted().toList();
    }

    private Future<Void> requestVisibility(RoutingContext ctx) {
        String id = Requests.path(ctx, "id");
        Visibility wanted = Forms.parsed(ctx, "visibility", Visibility::ofWire);
        return reviews.request(Requests.caller(ctx), id, wanted, Forms.optional(ctx, "note", NOTE_CHARS_MAX))
                .compose(done -> html.redirect(ctx, "/portal/products/" + id + "?done=requested"));
    }
}
