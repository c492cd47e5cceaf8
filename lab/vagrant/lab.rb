# frozen_string_literal: true

# What the lab file means for virtual machines: how many there are, their size, their addresses, and the settings
# that provision.sh is given on each. `mesoslab vagrant plan` says the same, and a test holds the two together.

require "json"
require_relative "toml"

module MesosLab
  # The lab file asks for what machines cannot be.
  class LabError < StandardError
  end

  # The machines of one lab.
  class Lab
    ROOT = File.expand_path("../..", __dir__)
    BUILT_IN = File.join(ROOT, "lab", "mesoslab.toml")
    BINARIES = ["target/x86_64-unknown-linux-gnu/release/mesoslab", "target/release/mesoslab"].freeze
    PORTS = { "zookeeper" => 2181, "exhibitor" => 8181, "master" => 5050, "agents" => 5051,
              "marathon" => 8080, "registry" => 5000, "scheduler" => 8090 }.freeze
    # The box, and its last version that is published for VirtualBox and libvirt both.
    USUAL_BOX = "debian/bookworm64"
    USUAL_BOX_VERSION = "12.20250126.1"
    # By how many digits a checksum of a box has; what can be forged is not among them.
    CHECKSUMS = { 64 => "sha256", 96 => "sha384", 128 => "sha512" }.freeze
    VAGRANT = { "first_address" => "192.168.56.10", "forward_ports" => true,
                "master_cpus" => 2, "master_memory" => 2048, "agent_cpus" => 2, "agent_memory" => 4096 }.freeze
    IMAGES = { "zookeeper" => "zookeeper:3.9", "master" => "mesosphere/mesos-master:1.7.1",
               "agent" => "mesosphere/mesos-slave:1.7.1", "marathon" => "mesosphere/marathon:v1.11.24",
               "registry" => "registry:2" }.freeze
    # Where connections to forwarded ports come from: VirtualBox's NAT, and the network in which libvirt manages machines.
    FORWARDED_FROM = %w[10.0.2.0/24 192.168.121.0/24].freeze
    MAX_AGENTS = 30

    # Of what kind a setting is: what it has to match, and that in words. What is not read here is not looked at.
    WHOLE = ->(range) { [->(value) { value.is_a?(Integer) && range.cover?(value) }, "a whole number in #{range}"] }
    YES_NO = [->(value) { [true, false].include?(value) }, "true or false"].freeze
    TEXT = [String, "a text"].freeze
    BOX = { "box" => [%r{\A[A-Za-z0-9._/][A-Za-z0-9._/-]*\z}, "a box such as #{USUAL_BOX.inspect}"],
            "box_version" => [/\A\d[A-Za-z0-9.-]*\z/, "one version such as #{USUAL_BOX_VERSION.inspect}"],
            "box_url" => [%r{\A(https?://|file:///|/)\S*\z}, 'a file such as "https://example.com/a.box" or "/home/me/a.box"'],
            "box_download_checksum" => [/\A(\h{64}|\h{96}|\h{128})\z/, "a sha256, sha384 or sha512"],
            "box_download_checksum_type" => [/\Asha(256|384|512)\z/, '"sha256", "sha384" or "sha512"'] }.freeze
    FLAVORS = [/\A(lite|apache)\z/, '"lite" or "apache"'].freeze
    IMAGE = [->(value) { value.is_a?(String) || (value.is_a?(Hash) && value["name"].is_a?(String)) }, "an image"].freeze
    KINDS = {
      "lab" => { "name" => TEXT, "flavor" => FLAVORS, "masters" => WHOLE[1..5], "marathon" => YES_NO },
      "master" => { "allocation_interval" => TEXT, "zk_session_timeout" => TEXT, "offer_timeout" => TEXT,
                    "offer_freed_resources_at_once" => YES_NO },
      "agents" => { "count" => WHOLE[1..MAX_AGENTS], "resources" => TEXT, "attributes" => TEXT, "hostname" => TEXT },
      "ports" => PORTS.transform_values { WHOLE[0..65_535] },
      "vagrant" => { "agents" => WHOLE[1..MAX_AGENTS], "flavor" => FLAVORS, "forward_ports" => YES_NO,
                     "first_address" => [/\A\d+\.\d+\.\d+\.\d+\z/, 'an address such as "192.168.56.10"'],
                     "master_cpus" => WHOLE[1..256], "master_memory" => WHOLE[512..(1 << 20)],
                     "agent_cpus" => WHOLE[1..256], "agent_memory" => WHOLE[512..(1 << 20)] }.merge(BOX),
      "images" => IMAGES.transform_values { IMAGE },
      "scheduler" => {}
    }.freeze

    # What is wanted here: a plan that `mesoslab vagrant` has made, else the lab files.
    def self.plan(env = ENV, directory = Dir.pwd)
      made = env["MESOSLAB_VAGRANT_PLAN"].to_s
      return JSON.parse(made.start_with?("{") ? made : File.read(made)) unless made.empty?

      new(layers(env, directory), env["MESOSLAB_NAME"], env["MESOSLAB_AGENTS"]).plan
    end

    # Of agents whose machines Vagrant knows in this directory, and that the lab does not have: what to do about them.
    # Vagrant itself forgets machines that its file does not name, and they go on running.
    def self.left_behind(plan, env, directory)
      dotfile = env["VAGRANT_DOTFILE_PATH"].to_s
      dotfile = File.join(directory, ".vagrant") if dotfile.empty?
      made = Dir.glob(File.join(dotfile, "machines", "agent-*", "*", "id")).map { |id| File.basename(File.expand_path("../..", id)) }
      names = plan["machines"].map { |machine| machine["name"] }
      others = made.uniq.grep(/\Aagent-\d+\z/).reject { |name| names.include?(name) }
      others.sort_by { |name| name[/\d+/].to_i }.map do |name|
        "mesoslab: #{name} is not in the lab file any more, and its machine is left as it is; to remove it: " \
          "MESOSLAB_AGENTS=#{name[/\d+/]} vagrant destroy #{name}"
      end
    end

    # The lab file, the user's own, and the one that is built in, from the top.
    def self.layers(env, directory)
      named = env["MESOSLAB_FILE"].to_s
      raise LabError, "there is no file `#{named}`" unless named.empty? || File.file?(named)

      config = env["XDG_CONFIG_HOME"].to_s
      config = File.join(Dir.home, ".config") if config.empty?
      files = [named.empty? ? File.join(directory, "mesoslab.toml") : named,
               File.join(config, "mesoslab", "mesoslab.toml"), BUILT_IN]
      read = files.select { |file| File.file?(file) }.map { |file| sound(Toml.parse(File.read(file), file), file) }
      [{ "lab" => said(env) }, *read]
    end

    # The layer, if its settings are of their kinds. `mesoslab vagrant plan` says more, and shows where.
    def self.sound(layer, file)
      KINDS.each do |table, kinds|
        found = layer.fetch(table, {})
        tables = table == "agents" && found.is_a?(Array) ? found : [found]
        raise LabError, "#{file}: `#{table}` is no table" unless tables.all?(Hash)

        tables.each { |entries| kinds_fit(kinds, entries, "#{file}: `#{table}") }
      end
      pinned(layer.fetch("vagrant", {}), "#{file}: `vagrant`")
      layer
    end

    # Nothing is downloaded that could be anything.
    def self.pinned(said, where)
      sum = said["box_download_checksum"]
      type = said["box_download_checksum_type"]
      raise LabError, "#{where}.box_url has no box_download_checksum" if said["box_url"] && !sum
      raise LabError, "#{where}.box_download_checksum is of no box_url" if (sum || type) && !said["box_url"]
      raise LabError, "#{where}.box_version is of a catalogue, and box_url names a file" if sum && said["box_version"]
      return unless sum && type && type != CHECKSUMS[sum.size]

      raise LabError, "#{where}.box_download_checksum is as long as a #{CHECKSUMS[sum.size]}, no #{type}"
    end

    def self.kinds_fit(kinds, entries, where)
      kinds.each do |key, (kind, words)|
        next if !entries.key?(key) || kind === entries[key]

        raise LabError, "#{where}.#{key}` is #{entries[key].inspect}, not #{words}"
      end
    end

    # What the environment says of the lab, over every file.
    def self.said(env)
      said = {}
      said["flavor"] = env["MESOSLAB_FLAVOR"] unless env["MESOSLAB_FLAVOR"].to_s.empty?
      no = ["", "0", "false", "no", "off", "n", "f"]
      said["marathon"] = false unless no.include?(env["MESOSLAB_NO_MARATHON"].to_s.downcase)
      said
    end

    # The program that is copied into the machines; nothing where it was not built.
    def self.binary(env = ENV)
      named = env["MESOSLAB_BINARY"].to_s
      return named unless named.empty?

      built = BINARIES.map { |path| File.join(ROOT, path) }
      in_path = env["PATH"].to_s.split(File::PATH_SEPARATOR).map { |dir| File.join(dir, "mesoslab") }
      (built + in_path).find { |path| File.file?(path) && File.binread(path, 4) == "\x7FELF".b }
    end

    # Settings as provision.sh takes them: no shell on the way can mistake a letter of them.
    def self.packed(settings)
      quoted = settings.map { |name, value| "#{name}='#{value.gsub("'") { "'\\''" }}'\n" }
      [quoted.join].pack("m0")
    end

    NO_BINARY = <<~TEXT
      There is no mesoslab to copy into the machines. Build it first, beside this Vagrantfile:

          cargo build --release

      or name one, a static program for Linux on x86_64: MESOSLAB_BINARY=/path/to/mesoslab vagrant up
    TEXT

    def initialize(layers, name = nil, agents = nil)
      @layers = layers
      @name = name
      @agents_wanted = agents
    end

    def plan
      check
      { "lab" => lab_name, "flavor" => flavor }.merge(image_of_machines).merge("machines" => [master, *agents])
    end

    private

    def setting(table, key, default = nil)
      found = @layers.map { |layer| layer[table] }.find { |entries| entries.is_a?(Hash) && entries.key?(key) }
      found ? found[key] : default
    end

    def vagrant(key)
      setting("vagrant", key, VAGRANT[key])
    end

    # The box, and by what it is known to be that one: the uppermost layer that says anything of it.
    def image_of_machines
      said = @layers.map { |layer| layer.fetch("vagrant", {}).slice(*BOX.keys) }
      said.shift while said.size > 1 && said.first.empty?
      box = { "box" => said.map { |layer| layer["box"] }.compact.first || USUAL_BOX }.merge(said.first || {})
      if box["box_url"]
        sum = box["box_download_checksum"].downcase
        return box.merge("box_download_checksum" => sum, "box_download_checksum_type" => CHECKSUMS[sum.size])
      end
      box["box"] == USUAL_BOX ? { "box_version" => USUAL_BOX_VERSION }.merge(box) : box
    end

    # The flavor of the virtual machines, or of the whole lab, whichever the upper file says.
    def flavor
      said = @layers.map { |layer| layer.fetch("vagrant", {})["flavor"] || layer.fetch("lab", {})["flavor"] }
      said.compact.first || "lite"
    end

    # In a machine every port is free, so that "any" is the usual one.
    def port(name)
      wished = setting("ports", name, PORTS[name])
      wished.zero? ? PORTS[name] : wished
    end

    def lab_name
      @name.to_s.empty? ? setting("lab", "name", "default") : @name
    end

    def check
      raise LabError, "a lab of virtual machines has one master: leave `masters` at 1" if setting("lab", "masters", 1) > 1

      last = address(agent_count).split(".").last.to_i
      raise LabError, "`vagrant.first_address` is too high for #{agent_count} agents" if last > 254
    end

    def address(at)
      *network, first = vagrant("first_address").split(".")
      [*network, first.to_i + at].join(".")
    end

    # Each agent's table, in order. The list of one layer hides those below; `vagrant.agents` counts for the list that
    # it stands beside, and for those below.
    def groups
      list = @layers.map { |layer| layer["agents"] }.find { |agents| agents.is_a?(Array) } || []
      list.flat_map { |group| [group] * group.fetch("count", 1) }
    end

    def agent_count
      return @agents_wanted.to_i if @agents_wanted.to_s =~ /\A\d+\z/

      @layers.each do |layer|
        count = layer.fetch("vagrant", {})["agents"]
        return count if count
        return groups.size if layer["agents"]
      end
      groups.size
    end

    def master
      ports = %w[zookeeper exhibitor master registry scheduler]
      ports.insert(3, "marathon") if marathon?
      machine("master", 0, "master", ports.map { |name| [name, port(name)] }, of_master)
    end

    def agents
      kinds = groups
      kinds = [{}] if kinds.empty?
      (0...[agent_count, MAX_AGENTS].min).map do |at|
        name = "agent-#{at + 1}"
        port = port("agents") + at
        machine(name, at + 1, "agent", [[name, port]], of_agent(kinds[at] || kinds.last, at, port))
      end
    end

    def machine(name, at, kind, ports, settings)
      { "name" => name, "address" => address(at), "cpus" => vagrant("#{kind}_cpus"),
        "memory" => vagrant("#{kind}_memory"),
        "forward" => vagrant("forward_ports") ? ports.map { |service, port| { "name" => service, "port" => port } } : [],
        "settings" => of_all(name, at).merge(settings) }
    end

    def of_all(name, at)
      names = ["master", *(1..agent_count).map { |number| "agent-#{number}" }]
      { "MESOSLAB_NODE" => name, "MESOSLAB_ADDRESS" => address(at), "MESOSLAB_FLAVOR" => flavor,
        "MESOSLAB_HOSTS" => names.each_with_index.map { |host, number| "#{address(number)} #{host}" }.join(","),
        "MESOSLAB_ALLOW" => ["#{vagrant('first_address').rpartition('.').first}.0/24", *FORWARDED_FROM].join(","),
        "MESOSLAB_ZK" => "zk://#{address(0)}:#{port('zookeeper')}",
        "MESOSLAB_REGISTRY" => "#{address(0)}:#{port('registry')}" }
    end

    def marathon?
      setting("lab", "marathon", true)
    end

    def of_master
      flags = { "MESOS_PORT" => port("master").to_s, "MESOS_CLUSTER" => lab_name,
                "MESOS_ALLOCATION_INTERVAL" => mesos_duration(setting("master", "allocation_interval", "1s")),
                "MESOS_ZK_SESSION_TIMEOUT" => mesos_duration(setting("master", "zk_session_timeout", "4s")) }
      timeout = setting("master", "offer_timeout")
      flags["MESOS_OFFER_TIMEOUT"] = mesos_duration(timeout) if timeout
      at_once = setting("master", "offer_freed_resources_at_once", true)
      flags["MESOS_OFFER_FREED_RESOURCES_AT_ONCE"] = at_once.to_s if flavor == "lite"
      services = %w[zookeeper exhibitor registry scheduler].to_h { |name| ["#{name.upcase}_PORT", port(name).to_s] }
      services["MARATHON_PORT"] = marathon? ? port("marathon").to_s : ""
      services.transform_keys { |key| "MESOSLAB_#{key}" }
              .merge("MESOSLAB_FLAGS" => lines(flags), "MESOSLAB_SCHEDULER" => scheduler)
              .merge(images("zookeeper", "master", *(["marathon"] if marathon?), "registry"))
    end

    def of_agent(group, at, port)
      hostname = group.fetch("hostname", "localhost")
      resources = offered(group.fetch("resources", "cpus:4;mem:4096;disk:10240"))
      resources += ";ports:[#{31_000 + (at * 1000)}-#{31_999 + (at * 1000)}]" unless resources.include?("ports")
      flags = { "MESOS_PORT" => port.to_s, "MESOS_RESOURCES" => resources,
                "MESOS_HOSTNAME" => hostname == "localhost" ? address(at + 1) : hostname }
      attributes = group.fetch("attributes", "")
      flags["MESOS_ATTRIBUTES"] = attributes unless attributes.empty?
      { "MESOSLAB_FLAGS" => lines(flags) }.merge(images("agent"))
    end

    # An agent offers no more than its machine has: Mesos itself leaves a machine 1 GB, or half of what is less than two.
    def offered(resources)
      memory = vagrant("agent_memory")
      most = { "cpus" => vagrant("agent_cpus"), "mem" => memory > 2048 ? memory - 1024 : memory / 2 }
      resources.split(";").map do |part|
        name, amount = part.split(":", 2)
        limit = most[name.strip]
        limit && amount.to_s =~ /\A\s*\d+(\.\d+)?\s*\z/ && amount.to_f > limit ? "#{name}:#{limit}" : part
      end.join(";")
    end

    def images(*names)
      return {} if flavor == "lite"

      names.to_h { |name| ["MESOSLAB_IMAGE_#{name.upcase}", image(name)] }
    end

    def image(name)
      wanted = setting("images", name, IMAGES[name])
      return wanted if wanted.is_a?(String)

      tag = wanted["tag"] ? ":#{wanted['tag']}" : ""
      digest = wanted["digest"] ? "@#{wanted['digest']}" : ""
      "#{wanted['name']}#{tag}#{digest}"
    end

    # The settings of our framework, a line each, in the order of their names: `cpus=0.1`.
    def scheduler
      all = @layers.reverse.map { |layer| layer.fetch("scheduler", {}) }.reduce({}, :merge)
      all.sort.map { |key, value| "#{key}=#{JSON.generate(value)}" }.join("\n")
    end

    def lines(flags)
      flags.map { |name, value| "#{name}=#{value}" }.join("\n")
    end

    UNITS = { "ms" => 1, "msec" => 1, "millis" => 1, "s" => 1000, "sec" => 1000, "secs" => 1000, "second" => 1000,
              "seconds" => 1000, "m" => 60_000, "min" => 60_000, "mins" => 60_000, "minute" => 60_000,
              "minutes" => 60_000, "h" => 3_600_000, "hr" => 3_600_000, "hour" => 3_600_000, "hours" => 3_600_000 }.freeze

    # `1min 30s` as flags of Mesos have it.
    def mesos_duration(text)
      parts = text.scan(/(\d+)\s*([a-z]+)/)
      raise LabError, "`#{text}` is no duration such as \"500ms\", \"3s\" or \"5min\"" unless
        parts.any? && parts.all? { |_, unit| UNITS.key?(unit) }

      millis = parts.sum { |number, unit| number.to_i * UNITS[unit] }
      (millis % 1000).zero? ? "#{millis / 1000}secs" : "#{millis}ms"
    end
  end
end

# `ruby lab/vagrant/lab.rb` prints the plan.
puts JSON.pretty_generate(MesosLab::Lab.plan) if $PROGRAM_NAME == __FILE__
