# frozen_string_literal: true

# A provider for Vagrant where no hypervisor is: each machine is a Debian root that systemd-nspawn boots in a network
# namespace of its own, with the address of the virtual machine it stands for, all on one bridge. Vagrant itself, the
# Vagrantfile, its provisioners and systemd in the machines are real; the kernel and the hypervisor are not tested.
#
# Loaded by the Vagrantfile of a test's VAGRANT_HOME. From the environment: MESOSLAB_TEST_ROOT, a tar of the Debian
# root; MESOSLAB_TEST_MACHINES, the directory of the machines; MESOSLAB_TEST_NET, what network namespaces begin with.

require "fileutils"
require "open3"
require "shellwords"

module MesosLabTest
  # One machine: a directory, a network namespace, and a process of systemd-nspawn while it runs.
  class Machine
    BOOT = 90

    def initialize(name)
      @name = name
      @dir = File.join(ENV.fetch("MESOSLAB_TEST_MACHINES"), name)
    end

    def created?
      File.directory?(root)
    end

    def running?
      !init.nil?
    end

    def create
      FileUtils.mkdir_p("#{@dir}/new")
      system("tar", "-C", "#{@dir}/new", "-xf", ENV.fetch("MESOSLAB_TEST_ROOT"), exception: true)
      # What a test puts there on top.
      more = ENV["MESOSLAB_TEST_MORE"]
      FileUtils.cp_r("#{more}/.", "#{@dir}/new", preserve: true) if more
      File.rename("#{@dir}/new", root)
    end

    def boot
      command = ["systemd-nspawn", "--quiet", "--directory=#{root}", "--machine=#{net}-#{@name}", "--register=no",
                 "--keep-unit", "--network-namespace-path=/run/netns/#{net}-#{@name}", "--console=pipe", "--boot"]
      # A group of its own, or the machines' systemds would take each other's services for theirs.
      groups.each { |group| FileUtils.mkdir_p(group) }
      join = groups.map { |group| "echo $$ >#{group}/cgroup.procs; " }.join
      pid = spawn("sh", "-c", "#{join}exec #{Shellwords.join(command)}", in: File::NULL, pgroup: true,
                                                                      out: ["#{@dir}/console", "a"], err: %i[child out])
      Process.detach(pid)
      File.write("#{@dir}/pid", pid.to_s)
      up = wait { running? && run("systemctl is-system-running").first =~ /running|degraded/ }
      raise "#{@name} does not boot: #{File.read("#{@dir}/console")}" unless up
    end

    def halt
      run("systemctl poweroff --no-block")
      wait { !running? } || kill
    end

    # The first process takes all others with it; nspawn ends when nothing is left.
    def kill
      first = init
      Process.kill("KILL", first.to_i) if first
      wait { nspawn.nil? }
    end

    def destroy
      kill if running?
      groups.each { |group| Dir.glob("#{group}/**/").reverse_each { |inner| Dir.rmdir(inner) } }
      FileUtils.rm_rf(@dir, secure: true)
    end

    # Runs a shell line as root: its output, whole, and its code; a block hears of it line by line.
    def run(line, stdin = nil)
      inside = ["nsenter", "--target", init.to_s, "--all", "--wd", "env", "-i", "HOME=/root", "LC_ALL=C.UTF-8",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "bash", "-c", "cd /\n#{line}"]
      Open3.popen2e(*inside) do |input, output, process|
        stdin ? IO.copy_stream(stdin, input) : nil
        input.close
        text = +""
        output.each_line do |said|
          text << said
          yield said if block_given?
        end
        [text, process.value.exitstatus]
      end
    end

    private

    def root
      "#{@dir}/root"
    end

    def net
      ENV.fetch("MESOSLAB_TEST_NET")
    end

    # Control groups: those of systemd's own hierarchies beside controllers of the first version, or the one of the second.
    def groups
      old = %w[systemd unified].map { |name| "/sys/fs/cgroup/#{name}" }.select { |path| File.exist?("#{path}/cgroup.procs") }
      (old.empty? ? ["/sys/fs/cgroup"] : old).map { |path| "#{path}/#{net}-#{@name}" }
    end

    def nspawn
      pid = File.read("#{@dir}/pid").to_i
      pid if File.read("/proc/#{pid}/cmdline").include?("--directory=#{root}")
    rescue Errno::ENOENT
      nil
    end

    # The first process of the machine, as it is seen from here.
    def init
      pid = nspawn or return
      File.read("/proc/#{pid}/task/#{pid}/children").split.first
    rescue Errno::ENOENT
      nil
    end

    def wait
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + BOOT
      until (answer = yield)
        return false if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

        sleep 0.1
      end
      answer
    end
  end

  # Tells Vagrant what it can do with a machine.
  class Provider < Vagrant.plugin("2", :provider)
    def initialize(machine)
      super
      @machine = machine
      @inner = Machine.new(machine.name.to_s)
    end

    def state
      id = if !@inner.created? then :not_created
           else
             @inner.running? ? :running : :poweroff
           end
      Vagrant::MachineState.new(id, id.to_s.tr("_", " "), "The machine is #{id}.")
    end

    # Nobody connects to it; the shell provisioner wants to know who it is run by.
    def ssh_info
      { host: "127.0.0.1", port: 22, username: "root", private_key_path: [] } if @inner.running?
    end

    def action(name)
      inner = @inner
      steps = {
        # A box is not what these machines are made of; one from a file is added, as every provider does.
        up: [(:box if @machine.config.vm.box_url), :provision, lambda { |env|
          env[:ui].info("Booting the machine...")
          inner.create unless inner.created?
          env[:machine].id = env[:machine].name.to_s
          inner.boot unless inner.running?
        }],
        provision: [:provision, ->(_) {}],
        reload: [:provision, lambda { |_|
          inner.halt
          inner.boot
        }],
        halt: [lambda { |env|
          env[:ui].info("Attempting graceful shutdown of VM...")
          inner.halt if inner.running?
        }],
        destroy: [lambda { |env|
          env[:ui].info("Destroying VM and associated drives...")
          inner.destroy
          env[:machine].id = nil
        }],
        ssh_run: [lambda { |env|
          _, env[:ssh_run_exit_status] = inner.run(env[:ssh_run_command]) { |line| $stdout.print(line) }
        }]
      }[name]
      steps && builder(steps)
    end

    private

    def builder(steps)
      Vagrant::Action::Builder.new.tap do |builder|
        builder.use Vagrant::Action::Builtin::ConfigValidate
        steps.compact.each do |step|
          builder.use(Vagrant::Action::Builtin::HandleBox) && next if step == :box

          step == :provision ? builder.use(Vagrant::Action::Builtin::Provision) : builder.use(Step, step)
        end
      end
    end
  end

  # One thing that is done.
  class Step
    def initialize(app, _env, work)
      @app = app
      @work = work
    end

    def call(env)
      @work.call(env)
      @app.call(env)
    end
  end

  # In place of SSH.
  class Communicator < Vagrant.plugin("2", :communicator)
    def self.match?(_machine)
      true
    end

    def initialize(machine)
      super
      @inner = Machine.new(machine.name.to_s)
    end

    def ready?
      @inner.running?
    end

    def execute(command, opts = nil)
      opts = { error_check: true, error_key: :ssh_bad_exit_status }.merge(opts || {})
      text, code = @inner.run(command) { |line| yield(:stdout, line) if block_given? }
      if opts[:error_check] && code != 0
        raise Vagrant::Errors::VagrantError.new(_key: opts[:error_key], command: command, stdout: text, stderr: "")
      end

      code
    end
    alias sudo execute

    def test(command, _opts = nil)
      @inner.run(command).last.zero?
    end

    def upload(from, to)
      folder = File.directory?(from)
      source = folder ? ["-C", from, "."] : ["-C", File.dirname(from), File.basename(from)]
      into = folder ? to : File.dirname(to)
      rename = folder ? "" : " --transform s/.*/#{Shellwords.escape(File.basename(to))}/"
      IO.popen(["tar", "-c", "--no-same-owner", *source]) do |tar|
        text, code = @inner.run("mkdir -p #{into} && tar -C #{into}#{rename} -x --no-same-owner", tar)
        raise "upload of #{from}: #{text}" unless code.zero?
      end
    end

    def reset!; end
  end

  # Known to Vagrant under these names.
  class Plugin < Vagrant.plugin("2")
    name "nspawn"
    provider(:nspawn, box_optional: true, parallel: false, priority: 100) { Provider }
    communicator(:nsenter) { Communicator }
  end
end

Vagrant.configure("2") do |config|
  config.vm.guest = :debian
  config.vm.communicator = :nsenter
end
