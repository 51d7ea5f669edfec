package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Charges in the columns of FOCUS 1.2. */
class FocusTest {
    /** Of the specification's column library: those with feature level Mandatory. */
    private static final List<String> MANDATORY = List.of(
            "BilledCost",
            "BillingAccountId",
            "BillingAccountName",
            "BillingCurrency",
            "BillingPeriodEnd",
            "BillingPeriodStart",
            "ChargeCategory",
            "ChargeClass",
            "ChargeDescription",
            "ChargePeriodEnd",
            "ChargePeriodStart",
            "ContractedCost",
            "EffectiveCost",
            "InvoiceIssuerName",
            "ListCost",
            "PricingQuantity",
            "PricingUnit",
            "ProviderName",
            "PublisherName",
            "ServiceCategory",
            "ServiceName");

    private static final List<String> NULLABLE = List.of("BillingAccountName", "ChargeClass");

    @RegisterExtension
    static final RunningAggregator RUNNING =
            RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder(), "billing.issuer=Example Marketplace");

    private static String pull(Market market) {
        return market.pull("/v1/billing/charges/focus?product=" + market.product, "text/csv")
                .expect(200)
                .text();
    }

    /** Cells by column; good for what has no line breaks in it. */
    private static List<Map<String, String>> rows(String csv) {
        List<String> lines = csv.lines().toList();
        List<String> names = cells(lines.get(0));
        List<Map<String, String>> rows = new ArrayList<>();
        for (String line : lines.subList(1, lines.size())) {
            List<String> cells = cells(line);
            assertEquals(names.size(), cells.size(), line);
            Map<String, String> row = new LinkedHashMap<>();
            for (int i = 0; i < names.size(); i++) {
                row.put(names.get(i), cells.get(i));
            }
            rows.add(row);
        }
        return rows;
    }

    private static List<String> cells(String line) {
        List<String> cells = new ArrayList<>();
        StringBuilder cell = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '"' && quoted && i + 1 < line.length() && line.charAt(i + 1) == '"') {
                cell.append(c);
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (c == ',' && !quoted) {
                cells.add(cell.toString());
                cell.setLength(0);
            } else {
                cell.append(c);
            }
        }
        cells.add(cell.toString());
        return cells;
    }

    @Test
    void anInstanceHourHasAllMandatoryColumnsAndTheValuesTheSpecificationAsksFor() {
        Market market = new Market(RUNNING, "uptime-hours");
        String offer = market.offer("USD", "'hourly':[{'instanceType':'m5.large','unitPrice':'0.15'}]");
        String agreement = market.accept(offer);
        Instant hour = market.hour();
        market.agent().send(market.usage("uptime-hours", "0.25"));
        market.pass(Duration.ofHours(3));
        String csv = pull(market);
        Map<String, String> row = rows(csv).get(0);
        for (String name : MANDATORY) {
            assertTrue(row.containsKey(name), name);
            assertEquals(NULLABLE.contains(name), row.getOrDefault(name, "").isEmpty(), name);
        }
        Map<String, String> expected = Map.ofEntries(
                Map.entry("BilledCost", "0.15"),
                Map.entry("EffectiveCost", "0.15"),
                Map.entry("ListUnitPrice", "0.15"),
                Map.entry("PricingQuantity", "1"),
                Map.entry("PricingUnit", "Hours"),
                Map.entry("ConsumedQuantity", "0.25"),
                Map.entry("BillingCurrency", "USD"),
                Map.entry("PricingCategory", "Standard"),
                Map.entry("ChargeCategory", "Usage"),
                Map.entry("ChargeFrequency", "Usage-Based"),
                Map.entry("ChargePeriodStart", hour.toString()),
                Map.entry("ChargePeriodEnd", hour.plus(Duration.ofHours(1)).toString()),
                Map.entry("BillingPeriodStart", "2026-03-01T00:00:00Z"),
                Map.entry("BillingPeriodEnd", "2026-04-01T00:00:00Z"),
                Map.entry("InvoiceIssuerName", "Example Marketplace"),
                Map.entry("ProviderName", "Example Marketplace"),
                Map.entry("PublisherName", "A seller"),
                Map.entry("ServiceName", "A product"),
                Map.entry("SkuId", market.product + ":m5.large"),
                Map.entry("SubAccountId", market.cloudAccount),
                Map.entry("Tags", "{}"),
                Map.entry("x_AgreementId", agreement),
                Map.entry("x_ProductCode", market.code));
        expected.forEach((name, value) -> assertEquals(value, row.get(name), name));
    }

    @Test
    void aYearIsAPurchaseOfNoEffectiveCostAndTheHoursItCoversHaveTheirShare() {
        Market market = new Market(RUNNING, "uptime-hours");
        String agreement = market.accept(market.offer(
                "USD",
                "'hourly':[{'instanceType':'m5.large','unitPrice':'0.15'}],"
                        + "'yearly':[{'instanceType':'m5.large','unitPrice':'1095'}]"));
        Map<String, Object> bought = market.years(agreement, "'add':[{'instanceType':'m5.large','count':2}]")
                .expect(201)
                .json();
        market.amend(agreement, "'add':[{'instanceType':'m5.large','count':1}]").expect(201);
        RUNNING.clock().advance(Duration.ofHours(1));
        market.agent().send(market.usage("uptime-hours", "0.5"));
        market.pass(Duration.ofHours(3));
        List<Map<String, String>> rows = rows(pull(market));
        List<String> shown = new ArrayList<>();
        for (Map<String, String> row : rows) {
            for (String name : MANDATORY) {
                assertEquals(NULLABLE.contains(name), row.getOrDefault(name, "").isEmpty(), name);
            }
            shown.add(String.join(
                    " ",
                    row.get("ChargeCategory"),
                    row.get("ChargeFrequency"),
                    row.get("BilledCost"),
                    row.get("EffectiveCost"),
                    row.get("PricingCategory"),
                    row.get("PricingQuantity"),
                    row.get("PricingUnit"),
                    row.get("x_InstanceType"),
                    row.get("x_Reason")));
        }
        assertEquals(
                List.of(
                        "Purchase One-Time 1095 0 Standard 1 Amendments  ",
                        "Purchase One-Time 2190 0 Standard 2 Instance-Years m5.large ",
                        // Half of an eight-thousand-seven-hundred-and-sixtieth of 1,095.
                        "Usage Usage-Based 0 0.0625 Committed 0 Hours m5.large covered"),
                shown.stream().sorted().toList());
        Map<String, String> purchase = rows.stream()
                .filter(r -> r.get("PricingQuantity").equals("2"))
                .findFirst()
                .orElseThrow();
        assertEquals(bought.get("termStart"), purchase.get("ChargePeriodStart"));
        assertEquals(bought.get("termEnd"), purchase.get("ChargePeriodEnd"));
        assertEquals("", purchase.get("ResourceId"));
        assertEquals("", purchase.get("ConsumedQuantity"));
        assertEquals("A product: 2 m5.large for a year, " + bought.get("id"), purchase.get("ChargeDescription"));
    }

    @Test
    void customColumnsAreLastAndNamesArePascalCaseAndUnique() {
        List<String> names =
                cells(new String(FocusFormat.csvHeader(), java.nio.charset.StandardCharsets.UTF_8).strip());
        assertEquals(names.size(), names.stream().distinct().count());
        int custom = (int) names.stream().filter(n -> n.startsWith("x_")).count();
        for (int i = 0; i < names.size(); i++) {
            assertEquals(i >= names.size() - custom, names.get(i).startsWith("x_"), names.get(i));
            assertTrue(names.get(i).matches("(x_)?[A-Z][A-Za-z]+"), names.get(i));
        }
    }

    @Test
    void priceTimesQuantityIsTheCostAndWhatCameLateIsACorrectionOfTheNextPeriod() {
        Market market = new Market(RUNNING, "requests");
        market.accept(market.offer("EUR", "'prices':[{'dimension':'requests','unitPrice':'0.003'}]"));
        ProtocolClient agent = market.agent();
        Instant hour = market.hour();
        agent.send(market.usage("requests", "7"));
        market.pass(Duration.ofHours(3));
        String before = pull(market);
        Instant closes = hour.atOffset(java.time.ZoneOffset.UTC)
                .toLocalDate()
                .withDayOfMonth(1)
                .plusMonths(1)
                .atStartOfDay()
                .toInstant(java.time.ZoneOffset.UTC)
                .plus(Duration.ofDays(3));
        market.pass(Duration.between(RUNNING.clock().instant(), closes));
        agent.send(Market.usage("requests", hour, "2"));
        market.pass(Duration.ofHours(3));
        String after = pull(market);
        assertTrue(after.startsWith(before), "what was exported reads the same");
        List<Map<String, String>> rows = rows(after);
        assertEquals(
                List.of("", "Correction"),
                rows.stream().map(r -> r.get("ChargeClass")).toList());
        assertEquals(hour.toString(), rows.get(1).get("ChargePeriodStart"));
        assertEquals(rows.get(0).get("BillingPeriodEnd"), rows.get(1).get("BillingPeriodStart"));
        for (Map<String, String> row : rows) {
            assertEquals(
                    0,
                    new BigDecimal(row.get("PricingQuantity"))
                            .multiply(new BigDecimal(row.get("ContractedUnitPrice")))
                            .compareTo(new BigDecimal(row.get("ContractedCost"))));
        }
    }
}
