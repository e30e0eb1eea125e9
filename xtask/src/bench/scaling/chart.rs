//! Line charts side by side, both axes logarithmic, as one SVG that is readable on light and dark pages.

use std::fmt::Write;

/// A chart.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) lines: Vec<Line>,
}

/// A line of a chart; both numbers of a point are above 0.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 260.0;
/// Room for words: left, top, right, bottom.
const MARGINS: [f64; 4] = [46.0, 30.0, 14.0, 28.0];
const COLOURS: [&str; 3] = ["#2a7ab0", "#c8553d", "#4f8a4b"];

/// The range of an axis, powers of ten.
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>) -> Axis {
        let (least, most) =
            values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
        let (from, to) = (least.max(1e-3).log10().floor(), most.max(1e-3).log10().ceil());
        Axis { from, to: to.max(from + 1.0) }
    }

    /// Where a value lies between 0 and 1.
    fn share(&self, value: f64) -> f64 {
        (value.max(1e-3).log10() - self.from) / (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.from as i32..=self.to as i32).map(|power| 10f64.powi(power))
    }
}

/// Draws the charts.
pub(super) fn draw(charts: &[Chart]) -> String {
    let width = WIDTH * charts.len() as f64;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" height=\"{HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    );
    for (number, chart) in charts.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate({} 0)\">", WIDTH * number as f64);
        draw_one(&mut svg, chart);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_one(svg: &mut String, chart: &Chart) {
    let [left, top, right, bottom] = MARGINS;
    let points = || chart.lines.iter().flat_map(|line| line.points.iter().copied());
    let (across, up) = (Axis::of(points().map(|(x, _)| x)), Axis::of(points().map(|(_, y)| y)));
    let x_of = |x: f64| left + across.share(x) * (WIDTH - left - right);
    let y_of = |y: f64| HEIGHT - bottom - up.share(y) * (HEIGHT - top - bottom);
    let _ = writeln!(svg, "<text x=\"{left}\" y=\"16\" font-weight=\"bold\">{}</text>", chart.title);
    for tick in up.ticks() {
        let y = y_of(tick);
        let _ = writeln!(svg, "<path d=\"M{left} {y:.1}H{:.1}\" stroke=\"#ddd\"/>", WIDTH - right);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 5.0,
            y + 4.0,
            words(tick)
        );
    }
    let mut marks: Vec<f64> = points().map(|(x, _)| x).collect();
    marks.sort_by(f64::total_cmp);
    marks.dedup();
    for mark in marks {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x_of(mark),
            HEIGHT - bottom + 15.0,
            words(mark)
        );
    }
    for (number, (line, colour)) in chart.lines.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let path: Vec<String> =
            line.points.iter().map(|(x, y)| format!("{:.1} {:.1}", x_of(*x), y_of(*y))).collect();
        let _ = writeln!(
            svg,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join("L")
        );
        for (x, y) in &line.points {
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                x_of(*x),
                y_of(*y)
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
            left + 8.0,
            top + 12.0 + 14.0 * number as f64,
            line.name
        );
    }
}

/// A number in few letters: 1000 is `1k`, 1000000 is `1M`.
fn words(number: f64) -> String {
    match number {
        _ if number >= 1e6 => format!("{}M", number / 1e6),
        _ if number >= 1e3 => format!("{}k", number / 1e3),
        _ => format!("{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [2.0, 64.0, 1e3, 1e4, 1e6, 0.1].map(words);
        assert_eq!(shown, ["2", "64", "1k", "10k", "1M", "0.1"]);
    }

    #[test]
    fn equal_steps_on_the_page_are_equal_ratios() {
        let axis = Axis::of([1.0, 100.0].into_iter());
        assert_eq!([1.0, 10.0, 100.0].map(|value| axis.share(value)), [0.0, 0.5, 1.0]);
        assert_eq!(axis.ticks().collect::<Vec<_>>(), [1.0, 10.0, 100.0]);
        assert_eq!(Axis::of([7.0].into_iter()).share(1.0), 0.0, "one value has an axis too");
    }

    #[test]
    fn each_point_is_drawn_and_named() {
        let line = Line { name: "a write", points: vec![(2.0, 3.0), (4.0, 9.0)] };
        let svg = draw(&[Chart { title: "messages", lines: vec![line] }]);
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains(">messages<") && svg.contains(">a write<") && svg.ends_with("</svg>\n"));
    }
}
