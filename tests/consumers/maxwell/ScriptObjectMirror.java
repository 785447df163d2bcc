package jdk.nashorn.api.scripting;

/** Maxwell asks of every value whether it is one of these; Java has them no more since its version 15. None is ever made. */
public abstract class ScriptObjectMirror implements javax.script.Bindings {}
