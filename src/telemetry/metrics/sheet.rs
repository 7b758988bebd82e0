//! One family of figures after another, each with its name, its help and its samples.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeMetric, LabelEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::model::{Times, Word};

/// One label. It's made of a word out of a closed set, and of nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label(&'static str, &'static str);

/// Where families are written.
pub(super) struct Sheet<'a>(DescriptorEncoder<'a>);

/// What a family is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    /// Its name, without the program's name and without its unit.
    pub(super) name: &'static str,
    /// A sentence for whoever reads it; without a full stop, as is the custom.
    pub(super) help: &'static str,
}

/// The label of a key.
pub(super) fn label(key: &'static str, value: impl Word) -> Label {
    Label(key, value.as_str())
}

/// The label of the only text that isn't a word of ours: this program's version.
pub(super) const VERSION: Label = Label("version", env!("CARGO_PKG_VERSION"));

impl EncodeLabel for Label {
    fn encode(&self, encoder: LabelEncoder<'_>) -> fmt::Result {
        (self.0, self.1).encode(encoder)
    }
}

impl<'a> Sheet<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// What the program is.
    pub(super) fn info<const N: usize>(&mut self, named: Named, labels: [Label; N]) -> fmt::Result {
        self.family(named, None, MetricType::Info)?.encode_info(&labels)
    }

    /// How often each of some things happened.
    pub(super) fn counters<const N: usize>(
        &mut self,
        named: Named,
        samples: impl IntoIterator<Item = ([Label; N], u64)>,
    ) -> fmt::Result {
        let mut family = self.family(named, None, MetricType::Counter)?;
        for (labels, count) in samples {
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// How often something happened.
    pub(super) fn counter(&mut self, named: Named, count: u64) -> fmt::Result {
        ConstCounter::new(count).encode(self.family(named, None, MetricType::Counter)?)
    }

    /// How many there are of each of some things.
    pub(super) fn gauges<const N: usize>(
        &mut self,
        named: Named,
        samples: impl IntoIterator<Item = ([Label; N], u64)>,
    ) -> fmt::Result {
        let mut family = self.family(named, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// How many there are of something.
    pub(super) fn gauge(&mut self, named: Named, value: u64) -> fmt::Result {
        ConstGauge::new(value).encode(self.family(named, None, MetricType::Gauge)?)
    }

    /// How long each of some things took.
    pub(super) fn times<const N: usize>(
        &mut self,
        named: Named,
        samples: impl IntoIterator<Item = ([Label; N], Times)>,
    ) -> fmt::Result {
        let mut family = self.family(named, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (labels, times) in samples {
            histogram(&mut family.encode_family(&labels)?, &times)?;
        }
        Ok(())
    }

    /// How long something took.
    pub(super) fn time(&mut self, named: Named, times: &Times) -> fmt::Result {
        histogram(&mut self.family(named, Some(&Unit::Seconds), MetricType::Histogram)?, times)
    }

    fn family<'s>(
        &'s mut self,
        Named { name, help }: Named,
        unit: Option<&'s Unit>,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, unit, kind)
    }
}

fn histogram(encoder: &mut MetricEncoder<'_>, times: &Times) -> fmt::Result {
    let seconds = |bound: std::time::Duration| bound.as_secs_f64();
    let buckets: Vec<(f64, u64)> =
        times.buckets().map(|(bound, count)| (bound.map_or(f64::INFINITY, seconds), count)).collect();
    encoder.encode_histogram::<NoLabelSet>(times.sum().as_secs_f64(), times.count(), &buckets, None)
}
