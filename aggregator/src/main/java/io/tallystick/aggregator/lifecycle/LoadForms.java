package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import io.tallystick.aggregator.catalog.Terms;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Hands out product load forms, and carries out what was filled in: for a product there is, as a change set. */
public final class LoadForms {
    public static final int CHARS_MAX = LoadForm.CHARS_MAX;
    /** Of a file in UTF-8. */
    public static final int BYTES_MAX = CHARS_MAX * 4;

    private final Catalog catalog;
    private final ChangeSets changeSets;
    private final Database database;

    public LoadForms(Catalog catalog, ChangeSets changeSets, Database database) {
        this.catalog = catalog;
        this.changeSets = changeSets;
        this.database = database;
    }

    /** CSV with nothing filled in but what the product's versions are to deliver. */
    public static String blank(Delivery.Kind type) {
        return LoadForm.blank(type);
    }

    /** CSV with what is known of a product that the caller manages. */
    public Future<String> of(Caller caller, String productId) {
        return catalog.managed(database.reads(), caller, productId).map(LoadForm::of);
    }

    /**
     * What a form would change.
     *
     * @param type of the change it is part of
     * @param field of the form
     * @param now empty for what comes in addition
     * @param then empty for what goes
     */
    public record Difference(Change.Type type, String field, String now, String then) {}

    /** What differs, as changes and as fields. */
    private record Differing(Product product, LoadForm form, List<Change.Wanted> changes) {
        List<Difference> described() {
            return form.described(product, changes);
        }
    }

    /**
     * Starts a change set of what differs between form and product; none where nothing does.
     *
     * @param intent whether the differences are only to be checked
     */
    public Future<Optional<ChangeSet>> upload(Caller caller, String productId, String csv, ChangeSet.Intent intent) {
        return differing(caller, productId, csv).compose(d -> start(caller, d.form(), d.changes(), intent));
    }

    /** What {@link #upload} would change; fails with what it would be refused for. Leaves a change set that was only checked. */
    public Future<List<Difference>> check(Caller caller, String productId, String csv) {
        return differing(caller, productId, csv)
                .compose(d -> start(caller, d.form(), d.changes(), ChangeSet.Intent.VALIDATE)
                        .map(done -> d.described()));
    }

    private Future<Differing> differing(Caller caller, String productId, String csv) {
        return catalog.managed(database.reads(), caller, productId).map(product -> {
            LoadForm form = LoadForm.read(csv);
            if (form.revision().isEmpty()) {
                throw Requests.invalid(
                        form.revisionCell(), "is missing; fill in the form that this product's page hands out");
            }
            List<Change.Wanted> differences = form.differences(product);
            // Where the product has changed since, what differs may be what somebody else did (rule R24).
            if (!differences.isEmpty() && !form.revision().get().equals(product.modifiedAt())) {
                throw Failure.of(
                        ErrorCode.CONFLICT,
                        List.of(new Failure.Problem(form.revisionCell(), ChangeRules.stale(product.modifiedAt()))));
            }
            return new Differing(product, form, differences);
        });
    }

    /** A product that was made, and the change set that says where it is offered, if the form does. */
    public record Made(Product product, Optional<ChangeSet> changeSet) {}

    /** Makes a product in STAGING of a form that was blank. */
    public Future<Made> create(Caller caller, Optional<String> seller, String csv) {
        LoadForm form;
        Catalog.NewProduct wanted;
        try {
            form = LoadForm.read(csv);
            wanted = wanted(form, seller);
        } catch (Failure e) {
            return Future.failedFuture(e);
        }
        return catalog.create(caller, wanted)
                .compose(product -> start(caller, form, form.differences(product), ChangeSet.Intent.APPLY)
                        .map(set -> new Made(product, set)));
    }

    /** What {@link #create} would make and start. */
    public Future<List<Difference>> checkNew(Caller caller, Optional<String> seller, String csv) {
        LoadForm form;
        Catalog.NewProduct wanted;
        try {
            form = LoadForm.read(csv);
            wanted = wanted(form, seller);
        } catch (Failure e) {
            return Future.failedFuture(e);
        }
        Product nothing = catalog.planned(
                "",
                "",
                "",
                new Catalog.NewProduct(
                        Optional.empty(), wanted.type(), "", seller, Terms.DEFAULT, List.of(), ProductPage.EMPTY));
        Difference type = new Difference(
                Change.Type.CREATE_PRODUCT, LoadForm.TYPE, "", wanted.type().wire());
        return catalog.seller(database.reads(), caller, seller).map(own -> Stream.concat(
                        Stream.of(type),
                        new Differing(nothing, form, form.differences(nothing))
                                .described().stream().map(LoadForms::made))
                .toList());
    }

    /** What comes with the product needs no change of its own. */
    private static Difference made(Difference one) {
        return switch (one.type()) {
            case UPDATE_INFORMATION, ADD_DIMENSIONS ->
                new Difference(Change.Type.CREATE_PRODUCT, one.field(), one.now(), one.then());
            default -> one;
        };
    }

    /** The product that a form describes; refused where what it says beside that cannot be started afterwards. */
    private Catalog.NewProduct wanted(LoadForm form, Optional<String> seller) {
        if (form.revision().isPresent()) {
            throw Requests.invalid(form.revisionCell(), "must be blank for a new product");
        }
        Catalog.NewProduct wanted = new Catalog.NewProduct(
                Optional.empty(),
                form.type().orElse(Delivery.Kind.IMAGE),
                form.title(),
                seller,
                Terms.DEFAULT,
                form.dimensions().values().stream()
                        .map(LoadForm.Measured::wanted)
                        .toList(),
                form.page());
        Product planned = catalog.planned("", "", "", wanted);
        form.differences(planned.withDimensions(List.of()));
        form.differences(planned);
        return wanted;
    }

    private Future<Optional<ChangeSet>> start(
            Caller caller, LoadForm form, List<Change.Wanted> differences, ChangeSet.Intent intent) {
        return differences.isEmpty()
                ? Future.succeededFuture(Optional.empty())
                : changeSets
                        .start(
                                caller,
                                new ChangeSets.Request(
                                        Optional.of("Product load form"), Optional.empty(), intent, differences))
                        .map(Optional::of)
                        .recover(e -> Future.failedFuture(e instanceof Failure f ? form.byCell(f, differences) : e));
    }
}
