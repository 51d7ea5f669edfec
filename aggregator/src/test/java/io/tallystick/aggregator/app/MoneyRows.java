package io.tallystick.aggregator.app;

import static io.tallystick.aggregator.app.AccessMatrix.get;
import static io.tallystick.aggregator.app.AccessMatrix.quoted;
import static io.tallystick.aggregator.app.AccessMatrix.row;
import static io.tallystick.aggregator.app.AccessMatrix.send;

import java.util.List;

/** The routes of offers, what is bought by the year, charges and statements in the {@link AccessMatrix}. */
final class MoneyRows {
    private MoneyRows() {}

    //  operator, seller, other seller, buyer, other buyer, billing
    static final List<AccessMatrix.Row> ROWS = List.of(
            row(
                    "createOffer",
                    send(
                            w -> "/v1/products/" + w.limitedProduct() + "/offers",
                            w -> quoted("{'title':'O','currency':'EUR','kind':'free'}")),
                    201,
                    201,
                    404,
                    403,
                    403,
                    403),
            row("listOffers", get(w -> "/v1/products/" + w.limitedProduct() + "/offers"), 200, 200, 404, 200, 404, 403),
            row("getOffer", get(w -> "/v1/offers/" + w.newPrivateOffer()), 200, 200, 404, 200, 404, 403),
            row(
                    "closeOffer",
                    send(w -> "/v1/offers/" + w.newPrivateOffer() + "/close", w -> "{}"),
                    200,
                    200,
                    404,
                    403,
                    403,
                    403),
            row(
                    "addRate",
                    send(
                            w -> "/v1/offers/" + w.newPrivateOffer() + "/rates",
                            w -> quoted("{'prices':[{'dimension':'calls','unitPrice':'1'}]}")),
                    201,
                    201,
                    404,
                    403,
                    403,
                    403),
            row(
                    "buyYear",
                    send(
                            w -> "/v1/agreements/" + w.newYearlyAgreement(false) + "/years",
                            w -> quoted("{'add':[{'instanceType':'m5.large','count':1}]}")),
                    201,
                    403,
                    403,
                    201,
                    404,
                    403),
            row(
                    "amendAgreement",
                    send(
                            w -> "/v1/agreements/" + w.newYearlyAgreement(true) + "/amendments",
                            w -> quoted("{'add':[{'instanceType':'m5.large','count':1}]}")),
                    201,
                    403,
                    403,
                    201,
                    404,
                    403),
            row(
                    "quoteAmendment",
                    send(
                            w -> "/v1/agreements/" + w.newYearlyAgreement(true) + "/quotes",
                            w -> quoted("{'add':[{'instanceType':'m5.large','count':1}]}")),
                    200,
                    403,
                    403,
                    200,
                    404,
                    403),
            row(
                    "listAmendments",
                    get(w -> "/v1/agreements/" + w.newYearlyAgreement(true) + "/amendments"),
                    200,
                    200,
                    404,
                    200,
                    404,
                    403),
            row("listStatements", get(w -> "/v1/billing/statements?month=2026-02"), 200, 200, 200, 200, 200, 200),
            row("getStatement", get(w -> "/v1/billing/statements/" + w.newStatement()), 200, 200, 404, 200, 404, 200),
            row(
                    "pullStatementCharges",
                    get(w -> "/v1/billing/statements/" + w.newStatement() + "/lines/1/charges"),
                    200,
                    403,
                    403,
                    200,
                    404,
                    200),
            row("getRevenue", get(w -> "/v1/billing/revenue?month=2026-02"), 200, 200, 200, 403, 403, 200),
            row(
                    "explainUsage",
                    get(w -> "/v1/billing/usage/" + w.newUsageLine() + "/evidence"),
                    200,
                    403,
                    403,
                    200,
                    404,
                    200),
            row("pullFocus", get(w -> "/v1/billing/charges/focus?account=" + w.buyer()), 200, 403, 403, 200, 404, 200),
            row("pullCharges", get(w -> "/v1/billing/charges?account=" + w.buyer()), 200, 403, 403, 200, 404, 200));
}
