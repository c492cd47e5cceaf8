# frozen_string_literal: true

# Reads the TOML of a lab file: Vagrant's Ruby has no parser for it, and a plugin would be one more thing to install.
#
# What lab files are made of: tables, lists of tables, dotted and quoted keys, strings of all four kinds, whole and
# broken numbers, booleans, arrays, inline tables, comments. Dates are refused: no setting is one.

require "strscan"

module MesosLab
  # What cannot be read, with its place.
  class TomlError < StandardError
  end

  # One document, read from its start to its end.
  class Toml
    ESCAPES = {
      "b" => "\b", "t" => "\t", "n" => "\n", "f" => "\f", "r" => "\r", '"' => '"', "\\" => "\\", "e" => "\e"
    }.freeze

    def self.parse(text, path)
      new(text, path).document
    end

    def initialize(text, path)
      @text = StringScanner.new(text.dup.force_encoding("UTF-8").delete_prefix("\u{feff}"))
      @path = path
      @root = {}
    end

    def document
      table = @root
      skip_lines
      until @text.eos?
        table = header || (entry(table) && table)
        end_of_line
        skip_lines
      end
      @root
    end

    private

    # `[a.b]` or `[[a.b]]`: the table that follows; nothing where no header stands.
    def header
      return unless (mark = @text.scan(/\[\[?/))

      keys = key_path
      @text.skip(/[ \t]*/)
      wrong("`#{mark.tr('[', ']')}` is missing") unless @text.skip(mark == "[[" ? /\]\]/ : /\]/)
      parent = within(@root, keys[0..-2])
      mark == "[[" ? push(parent, keys.last) : open(parent, keys.last)
    end

    def push(parent, key)
      list = (parent[key] ||= [])
      wrong("`#{key}` is no list of tables") unless list.is_a?(Array)
      list.push({}).last
    end

    def open(parent, key)
      table = (parent[key] ||= {})
      wrong("`#{key}` is no table") unless table.is_a?(Hash)
      table
    end

    def within(table, keys)
      keys.reduce(table) do |inner, key|
        inner = open(inner, key) unless inner[key].is_a?(Array)
        inner.is_a?(Hash) && inner[key].is_a?(Array) ? inner[key].last : inner
      end
    end

    def entry(table)
      keys = key_path
      @text.skip(/[ \t]*/)
      wrong("`=` is missing after `#{keys.join('.')}`") unless @text.skip(/=/)
      @text.skip(/[ \t]*/)
      inner = keys[0..-2].reduce(table) { |at, key| open(at, key) }
      wrong("`#{keys.last}` stands twice") if inner.key?(keys.last)
      inner[keys.last] = value
      true
    end

    def key_path
      keys = []
      loop do
        @text.skip(/[ \t]*/)
        keys << key
        @text.skip(/[ \t]*/)
        return keys unless @text.skip(/\./)
      end
    end

    def key
      if @text.skip(/"/) then basic_string
      elsif @text.skip(/'/) then literal_string
      else
        @text.scan(/[A-Za-z0-9_-]+/) || wrong("a key is missing")
      end
    end

    def value
      if @text.skip(/"""\r?\n?/) then long_string
      elsif @text.skip(/'''\r?\n?/) then long_literal
      elsif @text.skip(/"/) then basic_string
      elsif @text.skip(/'/) then literal_string
      elsif @text.skip(/\[/) then array
      elsif @text.skip(/\{/) then inline_table
      else plain
      end
    end

    def plain
      word = @text.scan(/[^\s,\]}#]+/) || wrong("a value is missing")
      case word
      when "true" then true
      when "false" then false
      when /\A[+-]?\d+(_\d+)*\z/ then word.delete("_").to_i
      when /\A0[xob][0-9A-Fa-f]+(_[0-9A-Fa-f]+)*\z/ then Integer(word.delete("_"))
      when /\A[+-]?\d+(_\d+)*(\.\d+(_\d+)*)?([eE][+-]?\d+)?\z/ then word.delete("_").to_f
      else wrong("`#{word}` is no value; a text stands in quotes")
      end
    end

    def basic_string
      string(/"/, /[^"\\\n]+/)
    end

    def long_string
      string(/"""/, /[^"\\]+|"(?!"")/)
    end

    def string(close, plain)
      out = +""
      until @text.skip(close)
        if (part = @text.scan(plain)) then out << part
        elsif @text.skip(/\\[ \t]*\r?\n\s*/) then next
        elsif @text.skip(/\\/) then out << escape
        else wrong("a quote is missing")
        end
      end
      out
    end

    def escape
      if @text.scan(/u(\h{4})|U(\h{8})/) then [(@text[1] || @text[2]).hex].pack("U")
      else
        ESCAPES[@text.getch] || wrong("an escape is not known")
      end
    end

    def literal_string
      text = @text.scan(/[^'\n]*/)
      wrong("a quote is missing") unless @text.skip(/'/)
      text
    end

    def long_literal
      text = @text.scan_until(/'''/) || wrong("`'''` is missing")
      text.delete_suffix("'''")
    end

    def array
      items = []
      loop do
        skip_lines
        return items if @text.skip(/\]/)

        items << value
        skip_lines
        next if @text.skip(/,/)
        return items if @text.skip(/\]/)

        wrong("`,` or `]` is missing")
      end
    end

    def inline_table
      table = {}
      loop do
        skip_lines
        return table if @text.skip(/\}/)

        entry(table)
        skip_lines
        next if @text.skip(/,/)
        return table if @text.skip(/\}/)

        wrong("`,` or `}` is missing")
      end
    end

    # Blanks, line ends and comments.
    def skip_lines
      nil while @text.skip(/\s+|#[^\n]*/)
    end

    def end_of_line
      @text.skip(/[ \t]*(#[^\n]*)?/)
      wrong("the line should end here") unless @text.eos? || @text.skip(/\r?\n/)
    end

    def wrong(what)
      line = @text.string.byteslice(0, @text.pos).count("\n") + 1
      raise TomlError, "#{@path}:#{line}: #{what}"
    end
  end
end
