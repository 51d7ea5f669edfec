package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A product as the catalogue shows it to a buyer, with the offers open to that buyer. */
public record OfferedProduct(Product product, boolean subscribed, List<OfferLine> offers) {
    /** What the product's page says in a language, or else in the other. */
    public Optional<ProductPage.Texts> texts(Language language) {
        Map<String, ProductPage.Texts> texts = product.page().texts();
        return Optional.ofNullable(texts.get(language.tag()))
                .or(() -> texts.values().stream().findFirst());
    }

    public Optional<String> shortText(Language language) {
        return texts(language).flatMap(ProductPage.Texts::shortDescription);
    }

    /** An offer; the currency is empty where it costs nothing here. */
    public record OfferLine(String id, String title, String kind, String currency, List<PriceLine> prices) {}

    /**
     * A price.
     *
     * @param what a dimension's key, or an instance type
     * @param per {@code unit} of the dimension; {@code hour} or {@code year} of an instance of the type
     */
    public record PriceLine(String what, String unitPrice, String per) {}

    /** Reads what {@link io.tallystick.aggregator.catalog.Offers#list} answers. */
    static OfferedProduct of(Product product, List<Map<String, Object>> offers, boolean subscribed) {
        return new OfferedProduct(
                product, subscribed, offers.stream().map(OfferedProduct::line).toList());
    }

    static OfferLine line(Map<String, Object> offer) {
        List<PriceLine> prices = new ArrayList<>();
        if (offer.get("rate") instanceof Map<?, ?> rate) {
            addPrices(prices, rate.get("hourly"), "instanceType", "hour");
            addPrices(prices, rate.get("yearly"), "instanceType", "year");
            addPrices(prices, rate.get("prices"), "dimension", "unit");
        }
        return new OfferLine(
                String.valueOf(offer.get("id")),
                String.valueOf(offer.get("title")),
                String.valueOf(offer.get("kind")),
                String.valueOf(offer.get("currency")),
                prices);
    }

    private static void addPrices(List<PriceLine> to, @Nullable Object from, String what, String per) {
        if (from instanceof List<?> list) {
            for (Object price : list) {
                if (price instanceof Map<?, ?> map) {
                    to.add(new PriceLine(String.valueOf(map.get(what)), String.valueOf(map.get("unitPrice")), per));
                }
            }
        }
    }
}
