package dev.tenon.api;

/**
 * Who asks. The program that embeds Tenon is trusted to say so; operations record it, and nobody approves what they asked for.
 *
 * @param name 1 to 128 visible characters
 */
public record Actor(String name) {
    /** The embedding program itself, where nobody is named. */
    public static final Actor PROGRAM = new Actor("program");

    /** Checks the name. */
    public Actor {
        name = Names.display("actor", name, 128);
    }
}
