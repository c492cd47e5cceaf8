//! The state of the dashboard.

use ratatui::layout::Size;

use crate::{
    cluster::{
        Change, ClusterView,
        history::Weight,
        rows::{Key, Rows as _},
    },
    mesos::time::Time,
    tui::{
        layer::{Layer, prompt::History},
        layout::Region,
        list::{Edge, List},
        slider::Slider,
        tables,
        theme::Theme,
    },
};

/// All that is shown follows from this.
#[derive(Debug)]
pub struct Model {
    pub now: Time,
    pub size: Size,
    pub lab: Lab,
    pub cluster: ClusterView,
    pub tab: Tab,
    pub lists: Lists,
    pub slider: Slider,
    /// What lies over the tab, the topmost last: it gets the keys.
    pub layers: Vec<Layer>,
    pub theme: Theme,
    /// Refuse every change of the cluster.
    pub read_only: bool,
    pub pause: Option<Pause>,
    pub notice: Option<Notice>,
    /// What was typed at the command bar.
    pub typed: History,
    /// How many logs were opened: their answers are told apart by their numbers.
    pub logs: u64,
    /// Where the button of the mouse was pressed, until it is released.
    pub grabbed: Option<Region>,
}

/// What is shown of where the cluster lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lab {
    /// The lab's name, or the address of someone else's master.
    pub name: String,
    /// `embedded`, `attach`, ...
    pub provider: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tab {
    #[default]
    Overview,
    Offers,
    Tasks,
    Agents,
    Frameworks,
    Components,
    Events,
}

impl Tab {
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Offers,
        Self::Tasks,
        Self::Agents,
        Self::Frameworks,
        Self::Components,
        Self::Events,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Offers => "Offers",
            Self::Tasks => "Tasks",
            Self::Agents => "Agents",
            Self::Frameworks => "Frameworks",
            Self::Components => "Components",
            Self::Events => "Events",
        }
    }

    /// The tab `steps` further on, round and round.
    pub fn step(self, steps: isize) -> Self {
        let count = Self::ALL.len() as isize;
        Self::ALL[(self as isize + steps).rem_euclid(count) as usize]
    }
}

/// One per tab with rows.
#[derive(Debug)]
pub struct Lists {
    pub offers: List,
    pub tasks: List,
    pub agents: List,
    pub frameworks: List,
    pub components: List,
    pub events: List,
}

impl Default for Lists {
    fn default() -> Self {
        let by_name = || List::new(0, false, None);
        Self {
            offers: List::new(tables::offers::AGE, false, Some(Edge::Top)),
            tasks: by_name(),
            agents: by_name(),
            frameworks: by_name(),
            components: by_name(),
            events: List::new(tables::events::AGE, true, Some(Edge::Bottom)),
        }
    }
}

impl Lists {
    /// The overview has none.
    pub fn of(&self, tab: Tab) -> Option<&List> {
        match tab {
            Tab::Overview => None,
            Tab::Offers => Some(&self.offers),
            Tab::Tasks => Some(&self.tasks),
            Tab::Agents => Some(&self.agents),
            Tab::Frameworks => Some(&self.frameworks),
            Tab::Components => Some(&self.components),
            Tab::Events => Some(&self.events),
        }
    }

    pub fn of_mut(&mut self, tab: Tab) -> Option<&mut List> {
        match tab {
            Tab::Overview => None,
            Tab::Offers => Some(&mut self.offers),
            Tab::Tasks => Some(&mut self.tasks),
            Tab::Agents => Some(&mut self.agents),
            Tab::Frameworks => Some(&mut self.frameworks),
            Tab::Components => Some(&mut self.components),
            Tab::Events => Some(&mut self.events),
        }
    }
}

/// The screen stands still: what came since is held back.
#[derive(Debug)]
pub struct Pause {
    pub since: Time,
    /// With the times at which they came.
    pub held: Vec<(Time, Change)>,
}

/// One line that goes away by itself: what a key has done, or why it did not.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub text: String,
    pub weight: Weight,
    pub until: Time,
}

/// What is under the cursor, by id; an event, which has none, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    Offer(String),
    /// By its id in the table of tasks; see `Task::row`.
    Task(String),
    Agent(String),
    Framework(String),
    /// By name.
    Component(String),
    Event(Key),
}

impl Model {
    pub fn new(now: Time, size: Size, lab: Lab, theme: Theme, read_only: bool) -> Self {
        Self {
            now,
            size,
            lab,
            cluster: ClusterView::default(),
            tab: Tab::default(),
            lists: Lists::default(),
            slider: Slider::default(),
            layers: Vec::new(),
            theme,
            read_only,
            pause: None,
            notice: None,
            typed: History::default(),
            logs: 0,
            grabbed: None,
        }
    }

    /// The list of the tab that is shown; the overview has none.
    pub fn list(&self) -> Option<&List> {
        self.lists.of(self.tab)
    }

    /// The row under the cursor of the tab that is shown, if it is there still.
    pub fn selected(&self) -> Option<Selected> {
        let (key, id) = self.list()?.row()?;
        let cluster = &self.cluster;
        let there =
            |found: Option<Key>, selected: fn(String) -> Selected| found.map(|_| selected(id.to_owned()));
        match self.tab {
            Tab::Overview => None,
            Tab::Offers => there(cluster.offers.find_key(id), Selected::Offer),
            Tab::Tasks => there(cluster.tasks.find_key(id), Selected::Task),
            Tab::Agents => there(cluster.agents.find_key(id), Selected::Agent),
            Tab::Frameworks => there(cluster.frameworks.find_key(id), Selected::Framework),
            Tab::Components => there(cluster.components.find_key(id), Selected::Component),
            Tab::Events => cluster.history.get(key).map(|_| Selected::Event(key)),
        }
    }

    /// The moment that the screen shows: that of the pause, or now.
    pub fn shown_at(&self) -> Time {
        self.pause.as_ref().map_or(self.now, |pause| pause.since)
    }

    /// Says something in the footer for a while.
    pub fn notify(&mut self, weight: Weight, text: impl Into<String>) {
        let until = self.now + std::time::Duration::from_secs(5);
        self.notice = Some(Notice { text: text.into(), weight, until });
    }
}
