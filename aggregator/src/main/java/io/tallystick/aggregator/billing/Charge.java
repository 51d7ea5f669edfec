package io.tallystick.aggregator.billing;

import io.tallystick.common.model.Quantity;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.Optional;

/**
 * What a usage line costs, before tax. Everything in it is frozen.
 *
 * @param usage the line it prices; the charge has its number
 * @param instanceType of the VM as of the line's hour; empty where the line was booked without
 * @param month the first day of the month in whose statement it is
 * @param pricedQuantity what the unit price is multiplied by; differs from the quantity where started hours count whole
 * @param amount exact: {@code pricedQuantity × unitPrice}, rounded nowhere
 * @param reason why nothing is to be paid: {@code free}, {@code byol}, or {@code no-price} where the offer has none for
 *     this dimension or instance type
 * @param issuer who issues the invoice, as exports name it
 */
public record Charge(
        UsageLine usage,
        Optional<String> instanceType,
        Optional<String> region,
        LocalDate month,
        String sellerId,
        String sellerName,
        String productTitle,
        String offerId,
        int rate,
        String sku,
        Quantity pricedQuantity,
        BigDecimal unitPrice,
        String currency,
        BigDecimal amount,
        Optional<String> reason,
        String issuer) {}
