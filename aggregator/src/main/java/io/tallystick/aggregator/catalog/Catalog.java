package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Transactor;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Makes, changes and finds products. Methods that take a client may be used inside another feature's transaction. */
public final class Catalog {
    /** Asked for when who may launch a product's images may have changed. Its key is the product. */
    public static final String SHARES_JOB = "image-shares";

    private static final int CODE_CHARS = 25;
    private static final String CODE_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

    private final ProductStore products = new ProductStore();
    private final Dimensions dimensions;
    private final GrantStore grants = new GrantStore();
    private final Holds holds = new Holds();
    private final Accounts accounts;
    private final Transactor transactor;
    private final Audit audit;
    private final Jobs jobs;
    private final Ids ids;
    private final Clock clock;

    public Catalog(Accounts accounts, Transactor transactor, Audit audit, Jobs jobs, Ids ids, Clock clock) {
        this.jobs = jobs;
        this.dimensions = new Dimensions(audit, clock);
        this.accounts = accounts;
        this.transactor = transactor;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /**
     * What a new product is to be.
     *
     * @param code given, or generated when empty
     * @param type what its versions are to deliver
     * @param seller needed from an operator; a seller is its own
     */
    public record NewProduct(
            Optional<String> code,
            Delivery.Kind type,
            String title,
            Optional<String> seller,
            Terms terms,
            List<Dimension.New> dimensions,
            ProductPage page) {
        private static final int ID_CHARS_MAX = 64;

        public static NewProduct read(Fields in) {
            return new NewProduct(
                    in.optionalParsed("productCode", Product::checkCode),
                    in.optionalParsed("type", Delivery.Kind::ofWire).orElse(Delivery.Kind.IMAGE),
                    in.string("title", Product.TITLE_CHARS_MAX),
                    in.optionalString("seller", ID_CHARS_MAX),
                    Terms.read(in),
                    Dimension.New.readAll(in, false),
                    in.optionalObject("page").map(ProductPage::read).orElse(ProductPage.EMPTY));
        }

        /** Of images, with nothing on its page yet. */
        public NewProduct(
                Optional<String> code,
                String title,
                Optional<String> seller,
                Terms terms,
                List<Dimension.New> dimensions) {
            this(code, Delivery.Kind.IMAGE, title, seller, terms, dimensions, ProductPage.EMPTY);
        }
    }

    /** Makes a product in STAGING. */
    public Future<Product> create(Caller caller, NewProduct wanted) {
        return transactor.inTx(tx -> seller(tx, caller, wanted.seller())
                .compose(seller -> make(
                        tx,
                        caller.actor(),
                        planned(ids.next("prod"), wanted.code().orElseGet(this::newCode), seller, wanted),
                        wanted.dimensions())));
    }

    /** A code that no product has. */
    public String newCode() {
        return ids.text(CODE_ALPHABET, CODE_CHARS);
    }

    /** A product as it will be once it is made, its dimensions included; they have no numbers yet. */
    public Product planned(String id, String code, String seller, NewProduct wanted) {
        Instant now = Columns.micros(clock.instant());
        return new Product(
                id,
                code,
                wanted.type(),
                wanted.title(),
                seller,
                Visibility.STAGING,
                now,
                wanted.terms(),
                now,
                now,
                wanted.dimensions().stream().map(Dimension.New::planned).toList(),
                wanted.page(),
                List.of(),
                Optional.empty());
    }

    /** Makes a planned product in this transaction, by somebody who was allowed to before. */
    public Future<Product> make(SqlConnection tx, String actor, Product product, List<Dimension.New> measured) {
        return products.insert(tx, product)
                .compose(done -> dimensions.make(tx, product, measured))
                .compose(done -> requireProduct(tx, product.id()))
                .compose(made -> audit.append(
                                tx, new AuditEvent.Change(actor, "product.create", made.id(), null, made.json()))
                        .map(made));
    }

    /** The seller's account for which the caller may make a product: the one named by an operator, or the caller's own. */
    public Future<String> seller(SqlClient db, Caller caller, Optional<String> named) {
        String seller = sellerOf(caller, named);
        return requireSeller(db, seller).map(seller);
    }

    /** Whether a product has this code. */
    public Future<Boolean> hasCode(SqlClient db, String code) {
        return byProductCodes(db, Set.of(code)).map(found -> !found.isEmpty());
    }

    /** Changes of a product's dimensions, in the transaction that has the product locked. */
    public Dimensions dimensions() {
        return dimensions;
    }

    /** Replaces the allow-list of a product locked in this transaction, by somebody who was allowed to before; sorted. */
    public Future<List<String>> target(SqlConnection tx, String actor, String productId, Set<String> accountIds) {
        return grants.read(tx, productId).compose(before -> grants.replace(tx, productId, accountIds, clock.instant())
                .compose(done -> grants.read(tx, productId))
                .compose(after -> audit.append(
                                tx, new AuditEvent.Change(actor, "product.allow-list", productId, before, after))
                        .map(after)));
    }

    private static String sellerOf(Caller caller, Optional<String> named) {
        if (caller.isOperator()) {
            return named.orElseThrow(() -> Requests.invalid("seller", "is missing"));
        }
        String own = caller.account().orElseThrow(Catalog::notFound);
        if (named.isPresent() && !named.get().equals(own)) {
            throw Failure.of(ErrorCode.NOT_FOUND, "there is no such account");
        }
        return own;
    }

    private Future<Void> requireSeller(SqlClient db, String id) {
        return accounts.require(db, id).map(account -> {
            if (account.kind() != Account.Kind.SELLER) {
                throw Requests.invalid("seller", "must be a seller's account");
            }
            return null;
        });
    }

    /** Adds a dimension, or one again that was restricted. No key ever goes away or becomes another: bills name them. */
    public Future<Product> addDimension(Caller caller, String productId, Dimension.New added) {
        return changing(caller, productId, (tx, before) -> dimensions.add(tx, caller.actor(), before, List.of(added)));
    }

    /** Moves a product along {@link Visibility#mayBecome}; asking for what it is already changes nothing. */
    public Future<Product> setVisibility(Caller caller, String productId, Visibility next) {
        return changing(caller, productId, (tx, before) -> move(tx, caller.actor(), before, next));
    }

    /** As {@link #setVisibility}, of a product locked in this transaction, by somebody who was allowed to before. */
    public Future<Product> move(SqlConnection tx, String actor, Product before, Visibility next) {
        if (before.visibility() == next) {
            return Future.succeededFuture(before);
        }
        requireMove(before, next);
        Product after = before.withVisibility(next, Columns.micros(clock.instant()));
        return products.setVisibility(tx, after)
                .compose(done -> askForShares(tx, before.id()))
                .compose(done -> audit.append(
                        tx,
                        new AuditEvent.Change(actor, "product.visibility", before.id(), before.json(), after.json())))
                .map(after);
    }

    /** Before anything is audited: all who need both the job's row and the log's head take them in this order. */
    Future<Void> askForShares(SqlConnection tx, String productId) {
        return jobs.add(tx, SHARES_JOB, productId);
    }

    static void requireMove(Product product, Visibility next) {
        if (!product.visibility().mayBecome(next)) {
            throw Failure.of(
                    ErrorCode.CONFLICT,
                    "a product that is " + product.visibility() + " cannot become " + next + ", only "
                            + product.visibility().next());
        }
    }

    /** Replaces title and page of a product locked in this transaction. */
    public Future<Product> inform(SqlConnection tx, String actor, Product before, String title, ProductPage page) {
        Product after = before.informed(title, page, Columns.micros(clock.instant()));
        return products.inform(tx, after)
                .compose(done -> audit.append(
                        tx, new AuditEvent.Change(actor, "product.inform", before.id(), before.json(), after.json())))
                .map(after);
    }

    /** Adds regions or instance types, those again that were restricted, or restricts them. */
    public Future<Void> place(
            SqlConnection tx,
            String actor,
            Product before,
            Place.Kind kind,
            String cloud,
            List<String> names,
            boolean add) {
        Instant now = Columns.micros(clock.instant());
        Future<Void> done = add
                ? products.addPlaces(tx, before.id(), kind, cloud, names, now)
                : products.restrictPlaces(tx, before.id(), kind, cloud, names, now);
        return done.compose(placed -> products.touch(tx, before.id(), now))
                .compose(touched -> lock(tx, before.id()))
                .compose(after -> audit.append(
                        tx,
                        new AuditEvent.Change(
                                actor,
                                add ? "product.place.add" : "product.place.restrict",
                                before.id(),
                                before.json(),
                                after.json())));
    }

    /** Keeps why a product was removed, and where its subscribers turn to. */
    public Future<Void> removed(SqlConnection tx, String productId, Removal removal) {
        return products.remove(tx, productId, removal);
    }

    /** What somebody looks for; all of it must hold. */
    public record Search(
            List<String> words,
            Optional<String> category,
            Optional<String> cloud,
            Optional<String> region,
            Optional<Delivery.Kind> type) {
        public static final int TEXT_CHARS_MAX = 200;

        public Search {
            words = List.copyOf(words);
        }

        /** By words alone. */
        public static Search of(String text) {
            return of(text, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        }

        /** @param text words of which each must occur, in any order, without regard to capitals and accents */
        public static Search of(
                String text,
                Optional<String> category,
                Optional<String> cloud,
                Optional<String> region,
                Optional<Delivery.Kind> type) {
            return new Search(
                    Stream.of(ProductPage.fold(text).split("\\s+"))
                            .filter(w -> !w.isEmpty())
                            .toList(),
                    category,
                    cloud,
                    region,
                    type);
        }
    }

    /** What is found by title, keywords, categories and short texts. STAGING and RESTRICTED products never are. */
    public Future<Page<Product>> search(SqlClient db, Caller caller, Search wanted, PageRequest page) {
        return products.search(db, page, wanted, caller.account()).map(list -> Page.of(list, page, Product::id));
    }

    /** Moves the product's modification date; its page shows something new. */
    public Future<Void> touched(SqlConnection tx, String productId, Instant at) {
        return products.touch(tx, productId, at);
    }

    /** A product the caller may change; else {@code not-found}. */
    public Future<Product> managed(SqlClient db, Caller caller, String productId) {
        return products.read(db, productId)
                .map(found -> found.filter(p -> manages(caller, p)).orElseThrow(Catalog::notFound));
    }

    /** As {@link #managed}, and it cannot change before the transaction ends. */
    public Future<Product> lockManaged(SqlConnection tx, Caller caller, String productId) {
        return products.readForUpdate(tx, productId)
                .map(found -> found.filter(p -> manages(caller, p)).orElseThrow(Catalog::notFound));
    }

    /** As {@link #lockManaged}, and nothing else {@link Holds holds} it; for a change that is made at once. */
    Future<Product> lockToChange(SqlConnection tx, Caller caller, String productId) {
        return lockManaged(tx, caller, productId).compose(product -> holds.refuse(tx, caller, product));
    }

    /** The product, which cannot change before the transaction ends; fails with {@code not-found}. */
    public Future<Product> lock(SqlConnection tx, String productId) {
        return products.readForUpdate(tx, productId).map(found -> found.orElseThrow(Catalog::notFound));
    }

    /** Replaces the allow-list; answers the new one, sorted. It matters while the product is LIMITED. */
    public Future<List<String>> setAllowList(Caller caller, String productId, Set<String> accountIds) {
        return changing(caller, productId, (tx, product) -> target(tx, caller.actor(), product.id(), accountIds));
    }

    /** A change to a locked product that the caller may change. */
    @FunctionalInterface
    private interface Change<T> {
        Future<T> apply(SqlConnection tx, Product before);
    }

    private <T> Future<T> changing(Caller caller, String productId, Change<T> change) {
        return transactor.inTx(tx -> lockToChange(tx, caller, productId).compose(before -> change.apply(tx, before)));
    }

    /** Whether the caller may change the product and see its allow-list. */
    static boolean manages(Caller caller, Product product) {
        return caller.isOperator()
                || (caller.role() == Role.SELLER && product.sellerAccountId().equals(caller.accountId()));
    }

    /** A product the caller may see, as JSON, with its allow-list for those who manage it; else {@code not-found}. */
    public Future<Map<String, Object>> get(SqlClient db, Caller caller, String productId) {
        return visible(db, caller, productId)
                .compose(product -> manages(caller, product)
                        ? grants.read(db, productId).map(list -> {
                            Map<String, Object> json = product.json();
                            json.put("allowList", list);
                            return json;
                        })
                        : Future.succeededFuture(product.json()));
    }

    /** A product the caller may see; else {@code not-found}. */
    public Future<Product> visible(SqlClient db, Caller caller, String productId) {
        return requireProduct(db, productId).compose(product -> (manages(caller, product)
                        ? Future.succeededFuture(true)
                        : buyerSees(db, caller, product))
                .map(sees -> {
                    if (!sees) {
                        throw notFound();
                    }
                    return product;
                }));
    }

    Future<Boolean> buyerSees(SqlClient db, Caller caller, Product product) {
        Optional<String> account = caller.account();
        if (caller.role() != Role.BUYER || account.isEmpty()) {
            return Future.succeededFuture(false);
        }
        return switch (product.visibility()) {
            case PUBLIC -> Future.succeededFuture(true);
            case LIMITED -> mayUseLimited(db, product, account.get());
            case STAGING, RESTRICTED -> Future.succeededFuture(false);
        };
    }

    /** The products this caller may see: all, a seller's own, or what a buyer could subscribe to. */
    public Future<Page<Product>> list(SqlClient db, Caller caller, PageRequest page) {
        Future<List<Product>> rows =
                switch (caller.role()) {
                    case BUYER ->
                        products.readPageForBuyer(db, page, caller.account().orElseThrow(Catalog::notFound));
                    case SELLER, OPERATOR, BILLING -> products.readPage(db, page, caller.account());
                };
        return rows.map(list -> Page.of(list, page, Product::id));
    }

    /** The products with these codes, with their dimensions. Codes nobody has are left out. */
    public Future<List<Product>> byProductCodes(SqlClient db, Set<String> codes) {
        return codes.isEmpty() ? Future.succeededFuture(List.of()) : products.readByCode(db, codes);
    }

    /** The products with these ids, with their dimensions. Ids nobody has are left out. */
    public Future<List<Product>> byIds(SqlClient db, Collection<String> productIds) {
        return productIds.isEmpty() ? Future.succeededFuture(List.of()) : products.readAll(db, productIds);
    }

    /** The product, with its visibility held as it is until the transaction ends; empty when there is none. */
    public Future<Optional<Product>> holdVisibility(SqlConnection tx, String productId) {
        return products.readShared(tx, productId);
    }

    public Future<Boolean> isAllowListed(SqlClient db, String productId, String accountId) {
        return grants.exists(db, productId, accountId);
    }

    /** Whether an account may use a LIMITED product: its seller, and accounts on the allow-list. */
    public Future<Boolean> mayUseLimited(SqlClient db, Product product, String accountId) {
        return product.sellerAccountId().equals(accountId)
                ? Future.succeededFuture(true)
                : isAllowListed(db, product.id(), accountId);
    }

    private Future<Product> requireProduct(SqlClient db, String id) {
        return products.read(db, id).map(found -> found.orElseThrow(Catalog::notFound));
    }

    static Failure notFound() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such product");
    }
}
