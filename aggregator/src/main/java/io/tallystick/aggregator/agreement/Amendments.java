package io.tallystick.aggregator.agreement;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.catalog.Offer;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Rate;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Transactor;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Buys instances for a year under an agreement and amends what was bought (rules R31 to R34), at the yearly prices of the rate that
 * the agreement accepted. The agreement's row is locked meanwhile, so of two amendments the second one sees the first. Nothing here
 * is asked of the seller. Nothing is charged here: billing charges each amendment once.
 */
public final class Amendments {
    private final AgreementStore agreements = new AgreementStore();
    private final AmendmentStore store = new AmendmentStore();
    private final Agreements access;
    private final Offers offers;
    private final Transactor transactor;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public Amendments(Agreements access, Offers offers, Transactor transactor, Audit audit, Ids ids, Clock clock) {
        this.access = access;
        this.offers = offers;
        this.transactor = transactor;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /**
     * What somebody asks for: how many instances of each type more and less. A switch of family or size takes away and adds.
     *
     * @param clientToken by which a repetition is known: the same request under it answers the same amendment, for ever, another
     *     one is refused
     */
    public record Request(Map<String, Integer> add, Map<String, Integer> remove, Optional<String> clientToken) {
        public Request {
            add = new TreeMap<>(add);
            remove = new TreeMap<>(remove);
        }

        /** Reads {@code add}, {@code remove} and {@code clientToken}; problems are added to {@code in}. */
        public static Request read(Fields in) {
            Map<String, Integer> add = counts(in, "add");
            Map<String, Integer> remove = counts(in, "remove");
            if (add.isEmpty() && remove.isEmpty()) {
                in.problem("add", "must name instances, or remove must");
            }
            remove.keySet().stream()
                    .filter(add::containsKey)
                    .forEach(type -> in.problem("remove", "names " + type + ", which add names, too"));
            return new Request(add, remove, in.optionalString("clientToken", Amendment.TOKEN_CHARS_MAX));
        }

        private static Map<String, Integer> counts(Fields in, String name) {
            Map<String, Integer> counts = new LinkedHashMap<>();
            for (Fields one : in.optionalObjects(name, Amendment.TYPES_MAX)) {
                String type = one.parsed("instanceType", Rate::checkType, "none");
                int count = (int) one.number("count", 1, Amendment.COUNT_MAX);
                if (counts.put(type, count) != null) {
                    one.problem("instanceType", "stands here twice");
                }
            }
            return counts;
        }

        byte[] sha256(boolean purchase) {
            return Hash.of(Json.writeBytes(Json.object(
                            "purchase",
                            purchase,
                            "add",
                            new LinkedHashMap<>(add),
                            "remove",
                            new LinkedHashMap<>(remove))))
                    .bytes();
        }
    }

    /** Buys a term of a year that begins with the next full hour of UTC, or now on the hour. */
    public Future<Map<String, Object>> buy(Caller caller, String agreementId, Request request, Fields in) {
        return change(caller, agreementId, request, in, true);
    }

    /** Amends the running term from the next full hour on. */
    public Future<Map<String, Object>> amend(Caller caller, String agreementId, Request request, Fields in) {
        return change(caller, agreementId, request, in, false);
    }

    private Future<Map<String, Object>> change(
            Caller caller, String agreementId, Request request, Fields in, boolean purchase) {
        return transactor
                .inTx(tx -> own(agreements.readForUpdate(tx, agreementId), caller)
                        .compose(agreement -> repeated(tx, agreementId, request, purchase)
                                .compose(known -> known.isPresent()
                                        ? Future.succeededFuture(known.get())
                                        : made(tx, caller, agreement, request, in, purchase))))
                .map(Amendment::json);
    }

    private Future<Amendment> made(
            SqlConnection tx, Caller caller, Agreement agreement, Request request, Fields in, boolean purchase) {
        return planned(tx, agreement, request, in, Optional.of(purchase)).compose(plan -> {
            Amendment amendment = plan.as(ids.next("amd"), caller.actor());
            return store.insert(tx, amendment, request.clientToken(), request.sha256(purchase))
                    .compose(done -> audit.append(
                            tx,
                            new AuditEvent.Change(
                                    caller.actor(),
                                    purchase ? "agreement.buy-year" : "agreement.amend",
                                    agreement.id(),
                                    plan.last().map(Amendment::json).orElse(null),
                                    amendment.json())))
                    .map(amendment);
        });
    }

    /**
     * What this would cost now, as an amendment of the running term or, where none is running, as the purchase of a new one. The
     * same rules refuse it; nothing is kept.
     */
    public Future<Map<String, Object>> quote(
            Caller caller, SqlClient db, String agreementId, Request request, Fields in) {
        return own(agreements.read(db, agreementId), caller)
                .compose(agreement -> planned(db, agreement, request, in, Optional.empty()))
                .map(plan -> plan.as("", caller.actor()).jsonForSeller());
    }

    private Future<Optional<Amendment>> repeated(
            SqlConnection tx, String agreementId, Request request, boolean purchase) {
        if (request.clientToken().isEmpty()) {
            return Future.succeededFuture(Optional.empty());
        }
        return store.readToken(tx, agreementId, request.clientToken().get())
                .map(found -> found.map(known -> {
                    if (!Arrays.equals(known.sha256(), request.sha256(purchase))) {
                        throw Failure.of(
                                        ErrorCode.CONFLICT,
                                        "another request came under this client token, as amendment "
                                                + known.amendment().id())
                                .with("amendment", known.amendment().id());
                    }
                    return known.amendment();
                }));
    }

    /** What is to become of an agreement, checked. */
    private record Plan(Amendment amendment, Optional<Amendment> last) {
        Amendment as(String id, String actor) {
            return new Amendment(
                    id,
                    amendment.agreementId(),
                    amendment.number(),
                    amendment.purchase(),
                    amendment.term(),
                    amendment.effectiveAt(),
                    amendment.accepted(),
                    amendment.currency(),
                    amendment.items(),
                    amendment.before(),
                    amendment.yearlyChange(),
                    amendment.amount(),
                    actor,
                    amendment.madeAt());
        }
    }

    private Future<Plan> planned(
            SqlClient db, Agreement agreement, Request request, Fields in, Optional<Boolean> purchase) {
        Instant now = Columns.micros(clock.instant());
        if (!agreement.covers(now)) {
            throw Failure.of(
                    ErrorCode.CONFLICT,
                    "the agreement "
                            + agreement.endedAt().map(e -> "ended at " + e).orElse("has not begun")
                            + "; what was bought by the year ended with it");
        }
        Agreement.Accepted accepted = agreement
                .accepted()
                .orElseThrow(() -> Failure.of(
                        ErrorCode.CONFLICT, "the agreement was accepted without an offer, so it has no yearly prices"));
        return offers.accepted(db, accepted.offerId(), accepted.rate())
                .compose(offer -> store.readLast(db, agreement.id()).map(last -> {
                    // A clock that was set back must not put an amendment before the last one.
                    Instant first = YearlyTerm.firstHour(now);
                    Instant hour = last.map(Amendment::effectiveAt)
                            .filter(l -> l.isAfter(first))
                            .orElse(first);
                    Optional<Amendment> running =
                            last.filter(l -> hour.isBefore(l.term().end()));
                    boolean buys = purchase.orElse(running.isEmpty());
                    return buys
                            ? new Plan(bought(agreement, accepted, offer, last, running, request, hour, now, in), last)
                            : new Plan(amended(agreement, offer, last, request, hour, now, in), last);
                }));
    }

    private static Amendment bought(
            Agreement agreement,
            Agreement.Accepted accepted,
            Offer offer,
            Optional<Amendment> last,
            Optional<Amendment> running,
            Request request,
            Instant hour,
            Instant now,
            Fields in) {
        running.ifPresent(r -> {
            throw Failure.of(
                    ErrorCode.CONFLICT,
                    "a term runs until " + r.term().end() + "; amend it, or buy another one in its last hour or later");
        });
        if (!request.remove().isEmpty()) {
            in.problem("remove", "must be absent: nothing is covered that could be taken away");
        }
        Map<String, Amendment.Item> items = changed(Map.of(), request, offer, in);
        BigDecimal cost = Amendment.cost(items);
        return new Amendment(
                "",
                agreement.id(),
                last.map(Amendment::number).orElse(0) + 1,
                true,
                YearlyTerm.from(hour),
                hour,
                accepted,
                offer.currency(),
                items,
                Map.of(),
                cost,
                cost,
                "",
                now);
    }

    private static Amendment amended(
            Agreement agreement,
            Offer offer,
            Optional<Amendment> last,
            Request request,
            Instant hour,
            Instant now,
            Fields in) {
        Amendment before = last.filter(l -> now.isBefore(l.term().end()))
                .orElseThrow(() -> Failure.of(
                        ErrorCode.CONFLICT,
                        last.map(l -> "the term ended at " + l.term().end() + "; buy another one")
                                .orElse("nothing was bought by the year that could be amended; buy a term first")));
        Map<String, Amendment.Item> items = changed(before.items(), request, offer, in);
        YearlyTerm term = before.term();
        BigDecimal yearly = Amendment.cost(items).subtract(Amendment.cost(before.items()));
        // Rule R32: the exact cost decides, before anything is rounded.
        if (yearly.signum() <= 0 || term.hoursFrom(hour) <= 0) {
            throw Failure.of(
                    ErrorCode.CONFLICT,
                    "the amendment would cost "
                            + Amendment.money(
                                    term.hoursFrom(hour) <= 0
                                            ? BigDecimal.ZERO
                                            : term.share(yearly, hour, Amendment.places(offer.currency())),
                                    offer.currency())
                            + " " + offer.currency() + " for the " + term.hoursFrom(hour) + " hours from " + hour
                            + " to the term's end; it must cost more than nothing (rule R32)");
        }
        return new Amendment(
                "",
                agreement.id(),
                before.number() + 1,
                false,
                term,
                hour,
                before.accepted(),
                offer.currency(),
                items,
                before.items(),
                yearly,
                term.share(yearly, hour, Amendment.places(offer.currency())),
                "",
                now);
    }

    /** The items after the change; all that is wrong with it is told. */
    private static Map<String, Amendment.Item> changed(
            Map<String, Amendment.Item> before, Request request, Offer offer, Fields in) {
        Map<String, Amendment.Item> items = new TreeMap<>(before);
        for (Map.Entry<String, Integer> add : request.add().entrySet()) {
            String type = add.getKey();
            Optional<BigDecimal> price = offer.rate().yearlyPrice(type);
            int count = add.getValue()
                    + Optional.ofNullable(before.get(type))
                            .map(Amendment.Item::count)
                            .orElse(0);
            if (price.isEmpty()) {
                in.problem(
                        "add",
                        "names " + type + ", which has no yearly price in rate "
                                + offer.rate().number() + " of offer " + offer.id() + ", which the agreement accepted");
            } else if (count > Amendment.COUNT_MAX) {
                in.problem("add", "makes " + count + " of " + type + "; there may be " + Amendment.COUNT_MAX);
            } else {
                items.put(type, new Amendment.Item(count, price.get()));
            }
        }
        request.remove().forEach((type, count) -> {
            Amendment.Item held = before.get(type);
            if (held == null || held.count() < count) {
                in.problem(
                        "remove",
                        "names " + count + " of " + type + "; the agreement has " + (held == null ? 0 : held.count()));
            } else if (held.count() == count) {
                items.remove(type);
            } else {
                items.put(type, new Amendment.Item(held.count() - count, held.yearlyPrice()));
            }
        });
        if (items.size() > Amendment.TYPES_MAX) {
            in.problem("add", "makes " + items.size() + " instance types; there may be " + Amendment.TYPES_MAX);
        }
        in.done();
        return items;
    }

    private static Future<Agreement> own(Future<Optional<Agreement>> read, Caller caller) {
        return read.map(found -> found.filter(a -> caller.isOperator() || Agreements.isBuyer(caller, a))
                .orElseThrow(() -> Agreements.notFound("agreement")));
    }

    /** What an agreement that the caller may see bought by the year and how it was amended, oldest first. */
    public Future<Page<Map<String, Object>>> list(SqlClient db, Caller caller, String agreementId, PageRequest page) {
        int after = (int) Math.min(page.afterNumber(), Integer.MAX_VALUE);
        boolean seller = caller.role() == Role.SELLER;
        return access.get(db, caller, agreementId)
                .compose(view -> store.readPage(db, agreementId, after, page.limit() + 1))
                .map(rows -> Page.of(rows, page, a -> Integer.toString(a.number()))
                        .map(a -> seller ? a.jsonForSeller() : a.json()));
    }
}
