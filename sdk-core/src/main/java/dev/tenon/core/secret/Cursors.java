package dev.tenon.core.secret;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;

/** Cursors of lists: opaque, and only good for the list they were made for. Thread-safe. */
public final class Cursors {
    private static final int CODE_LENGTH = 16;

    private final Vault vault;

    /** Signs with the vault's key. */
    public Cursors(Vault vault) {
        this.vault = vault;
    }

    /**
     * Returns a cursor.
     *
     * @param list which list, its owner and its filter included
     * @param position where in it
     */
    public String write(String list, String position) {
        byte[] text = position.getBytes(StandardCharsets.UTF_8);
        byte[] out = Arrays.copyOf(code(list, position), CODE_LENGTH + text.length);
        System.arraycopy(text, 0, out, CODE_LENGTH, text.length);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(out);
    }

    /**
     * Returns the position.
     *
     * @throws InvalidSpecException {@code PAGE_INVALID} if the cursor is not ours, or of another list
     */
    public String read(String list, String cursor) {
        try {
            if (cursor.length() <= 1_024) {
                byte[] in = Base64.getUrlDecoder().decode(cursor);
                if (in.length > CODE_LENGTH) {
                    String position = new String(in, CODE_LENGTH, in.length - CODE_LENGTH, StandardCharsets.UTF_8);
                    if (MessageDigest.isEqual(code(list, position), Arrays.copyOf(in, CODE_LENGTH))) {
                        return position;
                    }
                }
            }
        } catch (IllegalArgumentException e) {
            // Not even base 64: refused below like every other foreign text.
        }
        throw new InvalidSpecException(
                ErrorCode.PAGE_INVALID, "cursor", "not a cursor of this list; begin again without one");
    }

    private byte[] code(String list, String position) {
        return Arrays.copyOf(vault.sign(list + "\n" + position), CODE_LENGTH);
    }
}
