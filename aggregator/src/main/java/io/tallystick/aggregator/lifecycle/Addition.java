package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Dimension;
import io.tallystick.aggregator.catalog.Offer;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.Rate;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * What a change adds, or says of dimensions and offers, as it was asked for: read and checked when it came, kept as it was, and read again by whoever carries it
 * out.
 *
 * @param offer the offer it makes, gives new prices or ends, once that is known
 * @param kind what that offer costs
 */
public record Addition(Map<String, Object> details, Optional<String> offer, Optional<Offer.Kind> kind) {
    private static final int ID_CHARS_MAX = 64;

    public Addition {
        details = Collections.unmodifiableMap(new LinkedHashMap<>(details));
    }

    /** As a client asks for it; all that is wrong is told there. */
    static Addition read(Change.Type type, Fields in) {
        Fields details = in.object("details");
        switch (type) {
            case CREATE_PRODUCT -> Catalog.NewProduct.read(details);
            case ADD_DIMENSIONS -> Dimension.New.readAll(details, true);
            case RESTRICT_DIMENSIONS -> Dimension.readKeys(details);
            case UPDATE_DIMENSIONS -> Dimension.Renamed.readAll(details);
            case UPDATE_AVAILABILITY -> details.optionalInstant("closesAt");
            case ADD_VERSION -> Versions.Draft.read(details);
            case UPDATE_TARGETING -> accounts(details);
            case CREATE_OFFER -> Offers.NewOffer.read(details);
            case UPDATE_PRICING_TERMS -> Rate.New.read(details);
            default -> throw new IllegalStateException(type + " adds nothing");
        }
        return new Addition(
                details.members(),
                in.optionalString("offer", Change.Wanted.TARGET_CHARS_MAX),
                in.optionalParsed("offerKind", Offer.Kind::ofWire));
    }

    private static Set<String> accounts(Fields in) {
        if (!in.has("accounts")) {
            in.problem("accounts", "is missing");
        }
        return new TreeSet<>(in.optionalStrings("accounts", Product.ALLOW_LIST_MAX, ID_CHARS_MAX));
    }

    private <T> T as(Function<Fields, T> reader) {
        return reader.apply(Fields.of(details));
    }

    Catalog.NewProduct product() {
        return as(Catalog.NewProduct::read);
    }

    List<Dimension.New> dimensions() {
        return as(in -> Dimension.New.readAll(in, true));
    }

    List<String> restricted() {
        return as(Dimension::readKeys);
    }

    List<Dimension.Renamed> renamed() {
        return as(Dimension.Renamed::readAll);
    }

    /** When an offer is to end; at once where that is left out. */
    Optional<Instant> closesAt() {
        return as(in -> in.optionalInstant("closesAt"));
    }

    Versions.Draft version() {
        return as(Versions.Draft::read);
    }

    /** Accounts of an allow-list, or those that a private offer is for. */
    Set<String> accounts() {
        return as(in -> new TreeSet<>(in.optionalStrings("accounts", Product.ALLOW_LIST_MAX, ID_CHARS_MAX)));
    }

    Offers.NewOffer newOffer() {
        return as(Offers.NewOffer::read);
    }

    Rate.New rate() {
        return as(Rate.New::read);
    }

    /** What is wrong with its prices, each with its path below the details. */
    List<Failure.Problem> priceProblems(Offer.Kind of, Function<String, Optional<String>> unpriced) {
        Fields in = Fields.of(details);
        Rate.New.read(in).check(in, of, unpriced);
        return in.problems();
    }

    Addition withCode(String code) {
        Map<String, Object> coded = new LinkedHashMap<>(details);
        coded.putIfAbsent("productCode", code);
        return new Addition(coded, offer, kind);
    }

    Addition withSeller(String seller) {
        Map<String, Object> named = new LinkedHashMap<>(details);
        named.put("seller", seller);
        return new Addition(named, offer, kind);
    }

    Addition ofOffer(String id, Offer.Kind of) {
        return new Addition(details, Optional.of(id), Optional.of(of));
    }

    Map<String, Object> json() {
        return Json.object(
                "details",
                details,
                "offer",
                offer.orElse(null),
                "offerKind",
                kind.map(Offer.Kind::wire).orElse(null));
    }
}
