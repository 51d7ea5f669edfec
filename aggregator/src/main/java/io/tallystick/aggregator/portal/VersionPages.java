package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.lifecycle.ChangeSets;
import io.tallystick.aggregator.portal.pages.JteversionformGenerated;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Making a version of an image (rules O9 to O13) and editing one (O11, O14, R12): a draft whole and at once, anything that
 * was published in its texts, by a change set, with a mail only where it is asked for.
 */
final class VersionPages {
    private static final Logger LOG = LoggerFactory.getLogger(VersionPages.class);

    /** Three texts of 20,000 characters, each of which may take six bytes on the way. */
    private static final int BYTES_MAX = 512 * 1024;

    private static final List<String> TEXTS = List.of(
            "softwareVersion",
            "operatingSystem",
            "recommendedInstanceType",
            "softwareBase",
            "releaseNotes",
            "usageInstructions");
    private static final List<String> PLACE = List.of("title", "cloud", "region", "imageId");

    private static final List<String> ALL =
            Stream.of(PLACE, TEXTS).flatMap(List::stream).toList();

    private final Catalog catalog;
    private final Versions versions;
    private final ChangeSets changeSets;
    private final SqlClient reads;
    private final Html html;

    VersionPages(Catalog catalog, Versions versions, ChangeSets changeSets, SqlClient reads, Html html) {
        this.catalog = catalog;
        this.versions = versions;
        this.changeSets = changeSets;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/products/{id}/versions/new", "newVersionPage")
                        .page(Role.SELLER)
                        .query("cloud", "region")
                        .to(this::blank),
                Route.post("/portal/products/{id}/versions", "createVersionOnPage")
                        .page(Role.SELLER)
                        .bodyBytesMax(BYTES_MAX)
                        .to(this::create),
                Route.get("/portal/versions/{id}/edit", "versionPage")
                        .page(Role.SELLER)
                        .query("cloud", "region")
                        .to(this::edit),
                Route.post("/portal/versions/{id}/edit", "editVersionOnPage")
                        .page(Role.SELLER)
                        .bodyBytesMax(BYTES_MAX)
                        .to(this::change));
    }

    private Future<Void> blank(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return catalog.managed(reads, caller, Requests.path(ctx, "id")).compose(product -> versions.template(
                        reads, caller, product.id())
                .compose(last -> {
                    Map<String, String> values = last.map(VersionForm::values).orElseGet(LinkedHashMap::new);
                    // Each version has a title of its own.
                    values.remove("title");
                    return form(ctx, product, Optional.empty(), values);
                })
                .compose(form -> send(ctx, 200, form)));
    }

    private Future<Void> edit(RoutingContext ctx) {
        return managed(ctx)
                .compose(found ->
                        form(ctx, found.product(), Optional.of(found.version()), VersionForm.values(found.version())))
                .compose(form -> send(ctx, 200, form));
    }

    private Future<Void> create(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return catalog.managed(reads, caller, Requests.path(ctx, "id"))
                .compose(product ->
                        orForm(ctx, product, Optional.empty(), () -> versions.create(caller, product.id(), draft(ctx))
                                .compose(made -> Requests.form(ctx, "then")
                                                .filter("publish"::equals)
                                                .isPresent()
                                        ? changeSets
                                                .publish(caller, made.id())
                                                .map(set -> "/portal/change-sets/" + set.id() + "?done=queued")
                                        : Future.succeededFuture(
                                                "/portal/products/" + product.id() + "?done=version-created"))));
    }

    private Future<Void> change(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return managed(ctx).compose(found -> {
            ProductVersion version = found.version();
            String back = "/portal/products/" + version.productId();
            return orForm(ctx, found.product(), Optional.of(version), () -> {
                Optional<Instant> revision = Requests.form(ctx, "revision").map(Fields::parseInstant);
                if (version.status() == VersionStatus.DRAFT) {
                    if (!version.delivery().hasImage()) {
                        throw Failure.of(ErrorCode.CONFLICT, "a package is edited by PUT /v1/versions/" + version.id());
                    }
                    // The form does not show a template, and does not lose it.
                    return versions.edit(caller, version.id(), draft(ctx).delivered(version.delivery()), revision)
                            .map(done -> back + "?done=version-edited");
                }
                Fields in = fields(ctx, TEXTS);
                VersionText text = VersionText.read(in);
                in.done();
                version.requireUnchanged(revision);
                boolean announce = Requests.form(ctx, "announce").isPresent();
                return changeSets
                        .modify(caller, version.id(), text, announce, revision)
                        .map(set -> "/portal/change-sets/" + set.id() + "?done=queued");
            });
        });
    }

    /** A version with the product it is of. */
    private record Found(Product product, ProductVersion version) {}

    /** What is not the seller's own is not there. */
    private Future<Found> managed(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return versions.get(reads, caller, Requests.path(ctx, "id"))
                .compose(view -> catalog.managed(reads, caller, view.version().productId())
                        .map(product -> new Found(product, view.version())));
    }

    private static Versions.Draft draft(RoutingContext ctx) {
        Fields in = fields(ctx, ALL);
        Versions.Draft draft = Versions.Draft.read(in);
        in.done();
        return draft;
    }

    /** A form's fields as those of JSON, so that the same rules read them; what was left blank is left out. */
    private static Fields fields(RoutingContext ctx, List<String> names) {
        Map<String, Object> sent = new LinkedHashMap<>();
        for (String name : names) {
            String text = sent(ctx, name);
            if (!text.isEmpty()) {
                sent.put(name, text);
            }
        }
        return Fields.of(sent);
    }

    /** Lines end as they do everywhere but in forms. U+0000 fits into no text of the database and is nobody's wish. */
    private static String sent(RoutingContext ctx, String name) {
        return Requests.form(ctx, name)
                .orElse("")
                .replace("\r\n", "\n")
                .replace("\0", "")
                .strip();
    }

    /** Goes on where the work says, or shows the form again with what is wrong. */
    private Future<Void> orForm(
            RoutingContext ctx, Product product, Optional<ProductVersion> version, Supplier<Future<String>> work) {
        Future<String> done;
        try {
            done = work.get();
        } catch (Failure e) {
            done = Future.failedFuture(e);
        } catch (IllegalArgumentException e) {
            done = Future.failedFuture(Requests.invalid("revision", String.valueOf(e.getMessage())));
        }
        return done.map(Optional::of)
                .recover(e -> VersionForm.refusal(e).isPresent()
                        ? again(ctx, product, version, VersionForm.refusal(e).get())
                                .map(Optional.empty())
                        : Future.failedFuture(e))
                .compose(path -> path.isPresent() ? html.redirect(ctx, path.get()) : Future.succeededFuture());
    }

    private Future<Void> again(
            RoutingContext ctx, Product product, Optional<ProductVersion> version, VersionForm.Refusal refusal) {
        Map<String, String> values = new LinkedHashMap<>();
        ALL.forEach(name -> values.put(name, sent(ctx, name)));
        values.put("announce", sent(ctx, "announce"));
        values.put("revision", sent(ctx, "revision"));
        return form(ctx, product, version, values)
                .compose(form -> send(ctx, refusal.status(), form.with(values, refusal.wrong(), refusal.problem())));
    }

    private Future<VersionForm> form(
            RoutingContext ctx, Product product, Optional<ProductVersion> version, Map<String, String> values) {
        Caller caller = Requests.caller(ctx);
        for (String name : List.of("cloud", "region")) {
            Requests.query(ctx, name).filter(t -> !t.isBlank()).ifPresent(t -> values.put(name, t.strip()));
        }
        return versions.clouds(caller, product.id()).compose(clouds -> versions.ofProducts(reads, List.of(product.id()))
                .compose(all -> {
                    String cloud = values.computeIfAbsent("cloud", k -> clouds.isEmpty() ? "" : clouds.get(0));
                    VersionForm form = new VersionForm(
                            product,
                            version,
                            clouds,
                            all.stream()
                                    .map(ProductVersion::region)
                                    .distinct()
                                    .sorted()
                                    .toList(),
                            List.of(),
                            values,
                            List.of(),
                            Optional.empty());
                    String region = values.getOrDefault("region", "");
                    return form.textsOnly() || region.isEmpty() || !clouds.contains(cloud)
                            ? Future.succeededFuture(form)
                            : withImages(caller, form, cloud, region);
                }));
    }

    /** The form without images where the cloud does not answer: who has typed a page of notes wants to keep them. */
    private Future<VersionForm> withImages(Caller caller, VersionForm form, String cloud, String region) {
        return versions.images(caller, form.product().id(), cloud, region)
                .map(images -> withImages(form, images, Optional.empty()))
                .recover(e -> {
                    LOG.warn(
                            "images of {} in {} at {} cannot be listed",
                            form.product().id(),
                            region,
                            cloud,
                            e);
                    return Future.succeededFuture(withImages(
                            form, List.of(), Optional.of(new VersionForm.Problem("version.error.cloud", cloud))));
                });
    }

    private static VersionForm withImages(
            VersionForm form, List<CloudImage> images, Optional<VersionForm.Problem> problem) {
        return new VersionForm(
                form.product(),
                form.version(),
                form.clouds(),
                form.regions(),
                images,
                form.values(),
                form.wrong(),
                problem);
    }

    private Future<Void> send(RoutingContext ctx, int status, VersionForm form) {
        return html.send(ctx, status, (output, page) -> JteversionformGenerated.render(output, null, page, form));
    }
}
