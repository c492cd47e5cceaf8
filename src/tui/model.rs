//! The state of the dashboard.

use ratatui::layout::Size;

use crate::{
    cluster::{
        Change, ClusterView,
        history::Weight,
        rows::{Key, Rows as _},
    },
    mesos::time::Time,
    tui::{layer::Layer, layout::Region, list::List, slider::Slider, theme::Theme},
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
#[derive(Debug, Default)]
pub struct Lists {
    pub offers: List,
    pub tasks: List,
    pub agents: List,
    pub frameworks: List,
    pub components: List,
    pub events: List,
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
            grabbed: None,
        }
    }

    /// The list of the tab that is shown; the overview has none.
    pub fn list(&self) -> Option<&List> {
        match self.tab {
            Tab::Overview => None,
            Tab::Offers => Some(&self.lists.offers),
            Tab::Tasks => Some(&self.lists.tasks),
            Tab::Agents => Some(&self.lists.agents),
            Tab::Frameworks => Some(&self.lists.frameworks),
            Tab::Components => Some(&self.lists.components),
            Tab::Events => Some(&self.lists.events),
        }
    }

    pub fn list_mut(&mut self) -> Option<&mut List> {
        match self.tab {
            Tab::Overview => None,
            Tab::Offers => Some(&mut self.lists.offers),
            Tab::Tasks => Some(&mut self.lists.tasks),
            Tab::Agents => Some(&mut self.lists.agents),
            Tab::Frameworks => Some(&mut self.lists.frameworks),
            Tab::Components => Some(&mut self.lists.components),
            Tab::Events => Some(&mut self.lists.events),
        }
    }

    /// The row under the cursor of the tab that is shown.
    pub fn selected(&self) -> Option<Selected> {
        let key = self.list()?.cursor?;
        let cluster = &self.cluster;
        match self.tab {
            Tab::Overview => None,
            Tab::Offers => cluster.offers.get(key).map(|offer| Selected::Offer(offer.id.clone())),
            Tab::Tasks => cluster.tasks.get(key).map(|task| Selected::Task(task.id.clone())),
            Tab::Agents => cluster.agents.get(key).map(|agent| Selected::Agent(agent.id.to_string())),
            Tab::Frameworks => {
                cluster.frameworks.get(key).map(|framework| Selected::Framework(framework.id.to_string()))
            }
            Tab::Components => {
                cluster.components.get(key).map(|component| Selected::Component(component.name.clone()))
            }
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
