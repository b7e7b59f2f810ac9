package dev.tenon.spi.workload;

import java.util.ArrayList;
import java.util.List;

/**
 * A text with holes that only the place can fill: where a directory lies, which port a member got. Holes are values, not a
 * syntax, so user text that looks like a hole stays text.
 *
 * @param parts the pieces in order
 */
public record Template(List<Part> parts) {
    /** A piece of the text. */
    public sealed interface Part {}

    /** Text as it is. */
    public record Literal(String text) implements Part {}

    /** The absolute path of a directory of this member, by {@link Directory#name()}. */
    public record DirectoryPath(String directory) implements Part {}

    /** The number of a port of this member, by {@link Port#name()}. */
    public record PortNumber(String port) implements Part {}

    /** The absolute path of the software's home. */
    public record SoftwareHome() implements Part {}

    /** The address the member listens on for its clients. */
    public record ListenAddress() implements Part {}

    /** The operating-system user that the member's processes run as. */
    public record RunAsUser() implements Part {}

    /** The operating-system user that the control plane acts as when it administers the member locally. */
    public record OperatorUser() implements Part {}

    /** The address of a member of the same instance, itself included, as members reach each other. */
    public record PeerAddress(String member) implements Part {}

    /** Where connections of a member of the same instance come from: an address block such as {@code 10.0.0.7/32}, or a name. */
    public record PeerSource(String member) implements Part {}

    /** The number of a port of a member of the same instance, itself included. */
    public record PeerPort(String member, String port) implements Part {}

    /** Copies the list. */
    public Template {
        parts = List.copyOf(parts);
    }

    /** Returns a template that is only text. */
    public static Template text(String text) {
        return new Template(List.of(new Literal(text)));
    }

    /** Returns a template of pieces: each a {@code String} (text) or a {@link Part}. */
    public static Template of(Object... pieces) {
        List<Part> parts = new ArrayList<>();
        for (Object piece : pieces) {
            parts.add(piece instanceof Part part ? part : new Literal((String) piece));
        }
        return new Template(parts);
    }

    /** Returns the path of a file or directory below one of the member's directories. */
    public static Template path(String directory, String relative) {
        return of(new DirectoryPath(directory), "/" + relative);
    }

    /** Returns whether there is no hole. */
    public boolean literal() {
        return parts.stream().allMatch(Literal.class::isInstance);
    }

    /** Fills the holes with what {@code place} says. */
    public String render(java.util.function.Function<Part, String> place) {
        StringBuilder out = new StringBuilder();
        for (Part part : parts) {
            out.append(part instanceof Literal literal ? literal.text() : place.apply(part));
        }
        return out.toString();
    }
}
