package io.tallystick.common.jose;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The curve of RFC 8032 section 5.1 in plain affine arithmetic, slow and independent of the code under test, to find
 * the points and encodings that must be refused.
 */
final class Edwards25519 {
    static final BigInteger P = BigInteger.TWO.pow(255).subtract(BigInteger.valueOf(19));
    static final BigInteger L = BigInteger.TWO.pow(252).add(new BigInteger("27742317777372353535851937790883648493"));
    private static final BigInteger D = BigInteger.valueOf(-121665)
            .multiply(BigInteger.valueOf(121666).modInverse(P))
            .mod(P);

    record Point(BigInteger x, BigInteger y) {
        static final Point IDENTITY = new Point(BigInteger.ZERO, BigInteger.ONE);

        Point plus(Point o) {
            BigInteger xy =
                    D.multiply(x).multiply(o.x).multiply(y).multiply(o.y).mod(P);
            BigInteger nx = x.multiply(o.y)
                    .add(y.multiply(o.x))
                    .multiply(BigInteger.ONE.add(xy).modInverse(P));
            BigInteger ny = y.multiply(o.y)
                    .add(x.multiply(o.x))
                    .multiply(BigInteger.ONE.subtract(xy).modInverse(P));
            return new Point(nx.mod(P), ny.mod(P));
        }

        Point times(BigInteger n) {
            Point sum = IDENTITY;
            for (int i = n.bitLength() - 1; i >= 0; i--) {
                sum = sum.plus(sum);
                if (n.testBit(i)) {
                    sum = sum.plus(this);
                }
            }
            return sum;
        }
    }

    private Edwards25519() {}

    /** The point with this y and the even x, if there is one. */
    static Optional<Point> withY(BigInteger y) {
        BigInteger yy = y.multiply(y);
        BigInteger xx = yy.subtract(BigInteger.ONE)
                .multiply(D.multiply(yy).add(BigInteger.ONE).modInverse(P))
                .mod(P);
        BigInteger x = xx.modPow(P.add(BigInteger.valueOf(3)).shiftRight(3), P);
        if (!x.multiply(x).mod(P).equals(xx)) {
            x = x.multiply(BigInteger.TWO.modPow(P.subtract(BigInteger.ONE).shiftRight(2), P))
                    .mod(P);
        }
        if (!x.multiply(x).mod(P).equals(xx)) {
            return Optional.empty();
        }
        return Optional.of(new Point(x.testBit(0) ? P.subtract(x).mod(P) : x, y.mod(P)));
    }

    /** All eight points whose order divides 8, by their order. */
    static Map<Point, Integer> torsion() {
        Map<Point, Integer> found = new HashMap<>();
        for (long y = 2; found.size() < 8; y++) {
            // L times any point of the curve leaves its part of small order.
            withY(BigInteger.valueOf(y)).map(p -> p.times(L)).ifPresent(t -> found.put(t, order(t)));
        }
        return found;
    }

    private static int order(Point t) {
        int order = 1;
        for (Point p = t; !p.equals(Point.IDENTITY); p = p.plus(t)) {
            order++;
        }
        return order;
    }

    /** Thirty-two bytes, little endian, of any number below 2^255, with the sign bit as told. */
    static byte[] encode(BigInteger y, boolean sign) {
        byte[] out = new byte[32];
        for (int i = 0; i < 32; i++) {
            out[i] = y.shiftRight(8 * i).byteValue();
        }
        if (sign) {
            out[31] |= (byte) 0x80;
        }
        return out;
    }
}
