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
      text = text.dup.force_encoding("UTF-8")
      raise TomlError, "#{path}: it is no text in UTF-8" unless text.valid_encoding?

      @text = StringScanner.new(text.delete_prefix("\u{feff}"))
      @path = path
      @root = {}
      # Tables that have been opened: no header opens one of them again.
      @opened = {}.compare_by_identity
      @depth = 0
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
      return push(parent, keys.last) if mark == "[["

      table = open(parent, keys.last)
      wrong("`#{keys.join('.')}` stands twice") if @opened[table]
      @opened[table] = true
      table
    end

    def push(parent, key)
      list = (parent[key] ||= [])
      wrong("`#{key}` is no list of tables") unless list.is_a?(Array) && !list.frozen?
      list.push({}).last
    end

    def open(parent, key)
      table = (parent[key] ||= {})
      # What a value has made is whole.
      wrong("`#{key}` is no table") unless table.is_a?(Hash) && !table.frozen?
      table
    end

    # Of a list of tables, the last one.
    def within(table, keys)
      keys.reduce(table) do |inner, key|
        list = inner[key]
        list.is_a?(Array) && !list.frozen? ? list.last : open(inner, key)
      end
    end

    def entry(table)
      keys = key_path
      @text.skip(/[ \t]*/)
      wrong("`=` is missing after `#{keys.join('.')}`") unless @text.skip(/=/)
      @text.skip(/[ \t]*/)
      inner = keys[0..-2].reduce(table) { |at, key| open(at, key).tap { |opened| @opened[opened] = true } }
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
      elsif @text.skip(/\[/) then deeper { array }
      elsif @text.skip(/\{/) then deeper { inline_table }
      else plain
      end
    end

    def deeper
      wrong("this is too deep") if (@depth += 1) > 60
      made = yield
      @depth -= 1
      made.freeze
    end

    def plain
      word = @text.scan(/[^\s,\]}#]+/) || wrong("a value is missing")
      case word
      when "true" then true
      when "false" then false
      when /\A[+-]?(0|[1-9]\d*(_\d+)*)\z/ then word.delete("_").to_i
      when /\A0(x\h+(_\h+)*|o[0-7]+(_[0-7]+)*|b[01]+(_[01]+)*)\z/ then Integer(word.delete("_"))
      when /\A[+-]?(0|[1-9]\d*(_\d+)*)(\.\d+(_\d+)*)?([eE][+-]?\d+)?\z/ then word.delete("_").to_f
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
      if @text.scan(/u(\h{4})|U(\h{8})/)
        code = (@text[1] || @text[2]).hex
        wrong("there is no such letter") if code > 0x10ffff || (0xd800..0xdfff).cover?(code)
        [code].pack("U")
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
